"""What each tier does. A campaign goes on over as many months as its faults need, each on a fresh
deployment."""

from dataclasses import dataclass, replace
from itertools import chain, zip_longest
from typing import Self

from lab.chaos.faults import KAFKA, POSTGRES, Fault, Kind, fail_point, kills, pauses, storm
from lab.chaos.upheavals import Upheaval
from shared.postgres.setup import SERVICES

RELAYED = ("rating", "billing")


@dataclass(frozen=True)
class Campaign:
    """Faults of one sort. `doubled`: services that get one more instance for each mention; `armed`:
    fail-points from the month's start."""

    name: str
    faults: tuple[Fault, ...] = ()
    doubled: tuple[str, ...] = ()
    armed: tuple[Fault, ...] = ()
    events: int = 20_000
    upheaval: Upheaval | None = None
    bus: str | None = None  # only over this bus

    def of_size(self, faults_max: int | None, events: int | None) -> Self:
        """The same with its first faults alone, in months of so many events; None: as it is."""
        return replace(self, faults=self.faults[:faults_max], events=events or self.events)


def campaigns(tier: str) -> list[Campaign]:
    """`short` fits into a CI run; `full` is what docs/reliability.md reports."""
    return _short() if tier == "short" else _full()


def _short() -> list[Campaign]:
    postgres, broker = [Fault(Kind.KILL_POSTGRES, POSTGRES)] * 2, [Fault(Kind.KILL_KAFKA, KAFKA)] * 3
    mixed = (
        kills(("usage_ingest", "rating", "signals", "rating-2"), 1),
        pauses(("rating", "rating-2"), 2),
        storm(("rating-2",), 2),
    )
    return [
        Campaign(
            "short",
            _in_turn(*mixed, postgres),
            ("rating",),
            (fail_point("billing", "billing.after_number:1", 2),),
            3000,
            bus="postgres",
        ),
        Campaign(
            "short",
            _in_turn(*mixed, postgres, broker),
            ("rating",),
            (fail_point("billing", "billing.after_number:1", 2),),
            3000,
            bus="kafka",
        ),
    ]


def _full() -> list[Campaign]:
    return [
        Campaign("services", tuple(kills(SERVICES, 50))),
        Campaign("postgres", (Fault(Kind.KILL_POSTGRES, POSTGRES),) * 100),
        Campaign("kafka", (Fault(Kind.KILL_KAFKA, KAFKA),) * 100, bus="kafka"),
        Campaign(
            "zombies",
            tuple(pauses(("rating", "billing", "rating-2", "signals", "billing-2", "usage_ingest"), 50)),
            doubled=("rating", "billing", "signals", "usage_ingest"),
        ),
        Campaign(
            "storm",
            tuple(storm(("rating-2", "rating-3", "billing-2"), 100)),
            doubled=("rating", "rating", "billing"),
        ),
        *(
            Campaign(
                f"fail-points {number}",
                armed=tuple(fail_point(*armed, deaths=10) for armed in points),
                events=8000,
            )
            for number, points in enumerate(FAIL_POINTS, 1)
        ),
        *_of_rating(),
    ]


def _of_rating() -> list[Campaign]:
    """Deaths of rating where it adds usage up, and while billing's read waits for it, with a second replica."""
    return [
        *(
            Campaign(
                f"fold {number}",
                doubled=("rating",),
                armed=(fail_point("rating", first, 5), fail_point("rating-2", second, 5)),
                events=8000,
                upheaval=upheaval,
            )
            for number, (first, second, upheaval) in enumerate(FOLD_POINTS, 1)
        ),
        # Billing asks the first of the two.
        Campaign(
            "reading",
            doubled=("rating",),
            armed=(fail_point("rating", "current.before_answer:5", 10),),
            events=8000,
        ),
    ]


#: All five, where they matter; those of the fold are below. Services of one row die in the same month.
FAIL_POINTS = (
    (
        ("usage_ingest", "consumer.before_commit:3"),
        ("rating", "consumer.before_commit:3"),
        ("billing", "consumer.before_commit:3"),
        ("signals", "consumer.before_commit:3"),
    ),
    (("rating", "relay.before_publish:3"), ("billing", "relay.before_publish:1")),
    (("rating", "relay.after_publish:3"), ("billing", "billing.after_number:1")),
    (("rating", "close.before_final:1"), ("billing", "relay.after_publish:1")),
)
#: Where rating adds usage up, where the second replica dies in its turn once it took over, and what leads there. Who
#: folds keeps at it, so where one alone comes by, only the same point for both is sure to be reached by each.
FOLD_POINTS = (
    ("fold.before_claim:3", "fold.before_commit:3", None),
    ("fold.rolling_up:1", "fold.rolling_up:1", None),
    ("backfill.before_first:1", "backfill.before_first:1", Upheaval.METERS_CHANGE),
    ("old_book.before_commit:1", "old_book.before_commit:1", Upheaval.BOOK_OF_BEFORE),
)


def _in_turn(*sorts: list[Fault]) -> tuple[Fault, ...]:
    """The faults of several sorts, mixed."""
    return tuple(fault for fault in chain.from_iterable(zip_longest(*sorts)) if fault is not None)
