"""What waited on a day, and how that differs from another day."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Final

from services.billing.conservation.domain.waiting import added
from services.billing.conservation.domain.waterfall import Waterfall
from shared.values.money import Money

#: Place, reason and owner.
Pile = tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class Waited:
    """What waited in a place for one reason: events, how many of them no list price values, and what the others are worth,
    one amount a currency. `oldest`: the first day of the month, or of the period, that the oldest of it is of; None where that
    was not kept. It says nothing of whether more waits."""

    events: int = 0
    unvalued: int = 0
    value: tuple[Money, ...] = ()
    oldest: date | None = field(default=None, compare=False)


NOTHING: Final = Waited()


@dataclass(frozen=True, slots=True)
class WaitedDay:
    """All that waited on a day, as the last check of it found it (machine clock)."""

    day: date
    taken_at: datetime
    piles: Mapping[Pile, Waited]


@dataclass(frozen=True, slots=True)
class Standing:
    """What waits, as the last check found it, with the way from what is stored to what is invoiced in each currency; and
    what waited on an earlier day, where one is kept."""

    now: WaitedDay
    waterfalls: Sequence[Waterfall]
    before: WaitedDay | None


@dataclass(frozen=True, slots=True)
class Change:
    """How a pile differs from what it was; `more` is below zero where less waits."""

    pile: Pile
    before: Waited
    after: Waited
    more: Waited


def together(waited: Iterable[Waited]) -> Waited:
    """All of it, summed by currency."""
    found = list(waited)
    return Waited(
        sum(one.events for one in found),
        sum(one.unvalued for one in found),
        added(value for one in found for value in one.value),
        min((one.oldest for one in found if one.oldest is not None), default=None),
    )


def by_owner(piles: Mapping[Pile, Waited]) -> dict[str, Waited]:
    """Owner → all that waits for them, in the order of their names."""
    return {
        owner: together(waited for (_, _, whose), waited in piles.items() if whose == owner)
        for owner in sorted({owner for _, _, owner in piles})
    }


def changes(before: WaitedDay, after: WaitedDay) -> Iterator[Change]:
    """What differs, pile by pile; a currency with a currency alone."""
    for pile in sorted({*before.piles, *after.piles}):
        was, now = before.piles.get(pile, NOTHING), after.piles.get(pile, NOTHING)
        if was != now:
            less = (Money(-value.minor, value.currency) for value in was.value)
            value = tuple(one for one in added([*now.value, *less]) if one.minor)
            yield Change(pile, was, now, Waited(now.events - was.events, now.unvalued - was.unvalued, value))
