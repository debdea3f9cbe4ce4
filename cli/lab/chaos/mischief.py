"""What life mixes into good usage: events nobody can meter, the same event ten times in one request, and ids
that come again with another body."""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

from tests.system.spine.world import Event

REPEATS = 10
BAD_PER_BATCH = 4


@dataclass
class Mischief:
    """Made from a seed. What it did is kept, so that it can be counted afterwards."""

    rng: random.Random
    bad: dict[bytes, str] = field(default_factory=dict)  # the bytes sent → what is wrong with them
    # ids that were sent again with another body, after they were acknowledged
    conflicting: set[str] = field(default_factory=set)
    _number: int = 0

    def bad_events(self, near: Event) -> list[bytes]:
        """Events that must be quarantined one by one, with their bytes, while their neighbours are taken."""
        made = []
        for _ in range(BAD_PER_BATCH):
            self._number += 1
            whole = {**near.cloud_event(), "id": f"bad-{self._number}"}
            what, event = self.rng.choice(VARIATIONS)(whole)
            raw = msgspec.json.encode(event)
            self.bad[raw] = what
            made.append(raw)
        return made

    def repeated(self, event: Event) -> list[bytes]:
        return [msgspec.json.encode(event.cloud_event())] * (REPEATS - 1)

    def conflict(self, event: Event) -> bytes:
        """The same id with another body. The first body stands."""
        self.conflicting.add(event.id)
        changed = event.cloud_event()
        changed["data"] = {**changed["data"], "bytes": "39.999999"}
        return msgspec.json.encode(changed)


#: Event → (what is wrong, the event so).
Spoiler = Callable[[dict[str, Any]], tuple[str, dict[str, Any]]]


def _without(name: str) -> Spoiler:
    return lambda event: (f"no {name}", {key: value for key, value in event.items() if key != name})


def _with_data(what: str, **data: object) -> Spoiler:
    return lambda event: (
        what,
        {**event, "data": {**{k: v for k, v in event["data"].items() if k not in data}, **data}},
    )


def _with(what: str, **attributes: object) -> Spoiler:
    return lambda event: (what, {**event, **attributes})


def _no_value(event: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    return "no value", {**event, "data": {"region": event["data"]["region"], "user": event["id"]}}


VARIATIONS: Sequence[Spoiler] = (
    _without("subject"),
    _without("type"),
    _without("time"),
    _no_value,
    _with_data("value is a word", bytes="many"),
    _with_data("value is empty", bytes=""),
    _with("year 9999", time="9999-12-31T23:59:59Z"),
    _with("too old", time="2001-01-01T00:00:00Z"),
    _with("NUL in the subject", subject="a\0b"),
    _with("data is no object", data=[1, 2, 3]),
)
