"""What becomes of the events of one request, each for itself: published, or quarantined with its bytes and a
code."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import msgspec

from services.usage_ingest.domain.envelope import Traits, read_traits
from services.usage_ingest.domain.events import Circumstances, read_event
from services.usage_ingest.domain.faults import EventFault
from services.usage_ingest.domain.limits import EVENT_KEPT_MAX_BYTES
from shared.topics.usage_ingest import UsageMessage, event_key

DETAILS = {
    "duplicate": "the same id, source and body stand earlier in this request; it counts once",
    "conflict": "the same id and source stand earlier in this request with another body; the first stands, send a correction to change it",
    "unmatched": "no customer goes by this subject or no meter takes this type yet; stored, and counted by itself once there is one",
}


class Result(msgspec.Struct, frozen=True, omit_defaults=True):
    """What the answer says of an event that is not plainly accepted."""

    index: int
    source: str
    id: str
    status: str  # accepted | duplicate | conflict | quarantined
    code: str
    detail: str


@dataclass(frozen=True, slots=True)
class Quarantined:
    """An event with a fault: its place in the request, its own bytes, and what can be read of it."""

    index: int
    raw: bytes
    code: str
    detail: str
    traits: Traits


@dataclass(slots=True)
class Tally:
    """Counts of one source in one request: what its receipt will say."""

    received: int = 0
    published: int = 0
    quarantined: int = 0
    #: Too large for any message of the bus; over HTTP the whole request is refused instead.
    refused: int = 0


@dataclass(slots=True)
class Acceptance:
    """All that follows from one request. `published` holds (key, message) in order, duplicates included:
    metering decides."""

    published: list[tuple[bytes, UsageMessage]] = field(default_factory=list)
    quarantined: list[Quarantined] = field(default_factory=list)
    results: list[Result] = field(default_factory=list)
    tallies: dict[str, Tally] = field(default_factory=dict)
    _firsts: dict[bytes, UsageMessage] = field(default_factory=dict)

    @property
    def received(self) -> int:
        return len(self.published) + len(self.quarantined)

    @property
    def accepted(self) -> int:
        """Events that count for themselves: neither quarantined nor named in this request before."""
        return len(self._firsts)

    def publish(self, index: int, message: UsageMessage, *, known: bool = True) -> None:
        """Take a message; what it repeats of this request, and whom nobody waits for, is said in the
        results."""
        key = event_key(message.source, message.id)
        self.published.append((key, message))
        tally = self._tally(message.source)
        tally.received += 1
        tally.published += 1
        first = self._firsts.setdefault(key, message)
        if first is not message:
            self._say(index, message, "duplicate" if first.body_hash == message.body_hash else "conflict")
        elif not known:
            self._say(index, message, "accepted", "unmatched")

    def quarantine(self, index: int, raw: bytes, fault: EventFault) -> None:
        traits = read_traits(raw)
        self.quarantined.append(Quarantined(index, raw, fault.code, fault.detail, traits))
        tally = self._tally(traits.source)
        tally.received += 1
        if len(raw) > EVENT_KEPT_MAX_BYTES:
            tally.refused += 1
        else:
            tally.quarantined += 1
        self.results.append(Result(index, traits.source, traits.id, "quarantined", fault.code, fault.detail))

    def _tally(self, source: str) -> Tally:
        return self.tallies.setdefault(source, Tally())

    def _say(self, index: int, message: UsageMessage, status: str, code: str = "") -> None:
        self.results.append(
            Result(index, message.source, message.id, status, code or status, DETAILS[code or status])
        )


def accept(events: Sequence[bytes], judged_by: Circumstances, into: Acceptance, start: int = 0) -> None:
    """Judge each event by itself; `start` is the index of the first one in its request."""
    knows = judged_by.catalogue.knows
    for index, raw in enumerate(events, start):
        try:
            message = read_event(raw, judged_by)
        except EventFault as fault:
            into.quarantine(index, raw, fault)
        else:
            into.publish(index, message, known=knows(message.type, message.subject))
