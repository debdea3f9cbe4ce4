"""Where revenue waits: in which place, why, who owns it, and how much by currency."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from services.billing.conservation.domain.dispositions import OWNERS, Place, Why
from shared.values.money import Money, currency


@dataclass(frozen=True, slots=True)
class Waiting:
    """What waits in a place for one reason. `unvalued`: how many of the events have no list price, so that
    `value` is without them; `oldest`: the first day of the month, or of the period, that the oldest of it is of."""

    place: Place
    reason: Why
    events: int
    value: tuple[Money, ...]
    unvalued: int
    oldest: date

    @property
    def owner(self) -> str:
        return OWNERS[self.reason]


def added(values: Iterable[Money]) -> tuple[Money, ...]:
    """The values summed by currency, in the order of the codes."""
    sums: dict[str, int] = {}
    for value in values:
        sums[value.currency.code] = sums.get(value.currency.code, 0) + value.minor
    return tuple(Money(minor, currency(code)) for code, minor in sorted(sums.items()))


def together(waiting: Iterable[Waiting]) -> tuple[Waiting, ...]:
    """One entry a place and reason, in the order in which they first come."""
    piles: dict[tuple[Place, Why], list[Waiting]] = {}
    for one in waiting:
        piles.setdefault((one.place, one.reason), []).append(one)
    return tuple(
        Waiting(
            place,
            reason,
            sum(one.events for one in pile),
            added(value for one in pile for value in one.value),
            sum(one.unvalued for one in pile),
            min(one.oldest for one in pile),
        )
        for (place, reason), pile in piles.items()
    )
