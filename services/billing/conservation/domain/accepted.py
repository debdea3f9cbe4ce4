"""Suspense that somebody has accepted in writing."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from services.billing.conservation.domain.dispositions import OWNERS, Place, Why
from services.billing.conservation.domain.reconciled import Row
from services.billing.conservation.domain.waiting import Waiting, added
from shared.values.money import Money


@dataclass(frozen=True, slots=True)
class Suspended:
    """What is in suspense: events, and what they are worth at list price, one amount a currency."""

    events: int
    value: tuple[Money, ...]

    def exceeds(self, seen: "Suspended") -> bool:
        """Whether there is more than was seen: of events, or of any currency."""
        known: Mapping[str, int] = {one.currency.code: one.minor for one in seen.value}
        return self.events > seen.events or any(
            one.minor > known.get(one.currency.code, 0) for one in self.value
        )


@dataclass(frozen=True, slots=True)
class Acceptance:
    """Whose usage, of which type and why it waits; what it came to then; who accepted that, why and when (business clock)."""

    acceptance_id: str
    customer: str
    type: str
    reason: str
    seen: Suspended
    by: str
    because: str
    at: datetime


#: Whose usage (a customer's, or a subject's without one), of which type, and why it waits.
Cause = tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class SuspendedLine:
    """What waits of one customer, or of a subject without one, of a type and for a reason, over all months; `unvalued`: how
    many of the events no list price values. `acceptance`: the newest word on it, where no more waits than was seen then."""

    customer: str | None
    subject: str | None
    type: str
    reason: Why
    first_month: datetime
    last_month: datetime
    waits: Suspended
    unvalued: int
    acceptance: Acceptance | None

    @property
    def owner(self) -> str:
        """Who makes it billable."""
        return OWNERS[self.reason]


def lines_of(rows: Iterable[Row], acceptances: Iterable[Acceptance]) -> list[SuspendedLine]:
    """What waits, first what nobody has accepted, and of that where most events do. `acceptances`: the newest of each."""
    accepted: Mapping[Cause, Acceptance] = {(one.customer, one.type, one.reason): one for one in acceptances}
    piles: dict[Cause, list[tuple[Row, Waiting]]] = {}
    for row in rows:
        for cause, one in _causes(row):
            piles.setdefault(cause, []).append((row, one))
    lines = [_line(pile, accepted.get(cause)) for cause, pile in piles.items()]
    return sorted(lines, key=_order)


def _causes(row: Row) -> Iterator[tuple[Cause, Waiting]]:
    whose = row.usage.customer or row.usage.subject or ""
    for one in row.waiting:
        if one.place is Place.SUSPENSE:
            yield (whose, row.usage.type, one.reason), one


def _line(pile: list[tuple[Row, Waiting]], newest: Acceptance | None) -> SuspendedLine:
    usage, reason = pile[0][0].usage, pile[0][1].reason
    months = [row.usage.month for row, _ in pile]
    waits = Suspended(
        sum(one.events for _, one in pile), added(value for _, one in pile for value in one.value)
    )
    return SuspendedLine(
        usage.customer,
        usage.subject,
        usage.type,
        reason,
        min(months),
        max(months),
        waits,
        sum(one.unvalued for _, one in pile),
        None if newest is None or waits.exceeds(newest.seen) else newest,
    )


def _order(line: SuspendedLine) -> tuple[bool, int, str, str, str]:
    whose = line.customer or line.subject or ""
    return line.acceptance is not None, -line.waits.events, whose, line.type, line.reason


def suspended(rows: Iterable[Row], customer: str, type_: str, reason: str) -> Suspended:
    """What of a customer's, or a subject's, usage of a type waits for this reason, over all months."""
    found = [
        one
        for row in rows
        if customer in (row.usage.customer, row.usage.subject) and row.usage.type == type_
        for one in row.waiting
        if one.place is Place.SUSPENSE and one.reason == reason
    ]
    return Suspended(sum(one.events for one in found), added(value for one in found for value in one.value))
