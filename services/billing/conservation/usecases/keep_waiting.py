"""Keep what waits, a day at a time, and compare two days."""

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from itertools import groupby
from operator import attrgetter
from typing import Final

from services.billing.conservation.domain.waited import Standing, Waited, WaitedDay
from services.billing.conservation.domain.waiting import Waiting
from services.billing.conservation.domain.waterfall import Step, Waterfall
from services.billing.conservation.repository.waiting import (
    day_before,
    days_around,
    last_day,
    replace_day,
    rows_of_day,
    steps_of_day,
)
from services.billing.conservation.rows import NO_CURRENCY, WaitingRow, WaterfallRow
from shared.db.unit_of_work import UnitOfWork
from shared.errors import AppError, Kind
from shared.values.money import Money, currency

#: What stands for a day on which nothing waited.
NOWHERE = "nowhere"
#: With what day the newest is compared where nobody says.
BEFORE: Final = timedelta(days=7)


class WaitingDayNotFound(AppError):
    """Nobody checked the books on that day."""

    kind = Kind.NOT_FOUND


async def keep_waiting(
    uow: UnitOfWork,
    day: date,
    waiting: Iterable[Waiting],
    waterfalls: Iterable[Waterfall],
    taken_at: datetime,
) -> None:
    """Let this be what waited on the day, and how its money went: the last check of it says so."""
    rows = [row for one in waiting for row in WaitingRow.of(day, one, taken_at)]
    nothing = WaitingRow(day, NOWHERE, "", "", NO_CURRENCY, 0, 0, 0, taken_at, None)
    steps = [row for one in waterfalls for row in WaterfallRow.each(day, one)]
    await replace_day(uow.connection, day, rows or [nothing], steps)


async def standing(uow: UnitOfWork, since: date | None) -> Standing | None:
    """What waits as the last check found it, beside what waited on the last day that is kept up to `since`; None before the
    first check."""
    newest = await last_day(uow.connection)
    if newest is None:
        return None
    before = await day_before(uow.connection, newest, newest - BEFORE if since is None else since)
    return Standing(
        await waited_on(uow, newest),
        _waterfalls(await steps_of_day(uow.connection, newest)),
        None if before is None else await waited_on(uow, before),
    )


async def waited_on(uow: UnitOfWork, day: date) -> WaitedDay:
    """What waited on that day; raise WaitingDayNotFound, which names the days around it."""
    rows = await rows_of_day(uow.connection, day)
    if not rows:
        around = " and ".join(str(one) for one in await days_around(uow.connection, day)) or "none"
        raise WaitingDayNotFound(f"no check fell on {day}; kept around it: {around}")
    piles: dict[tuple[str, str, str], Waited] = {}
    for row in rows:
        if row.place == NOWHERE:
            continue
        pile = row.place, row.reason, row.owner
        known = piles.get(pile, Waited())
        worth = () if row.currency == NO_CURRENCY else (Money(row.amount_minor, currency(row.currency)),)
        piles[pile] = Waited(
            known.events + row.events, known.unvalued + row.unvalued, (*known.value, *worth), row.oldest
        )
    return WaitedDay(day, rows[0].taken_at, piles)


def _waterfalls(rows: list[WaterfallRow]) -> list[Waterfall]:
    found = []
    for code, of_code in groupby(rows, key=attrgetter("currency")):
        minor, of = {row.step: row.amount_minor for row in of_code}, currency(code)
        found.append(Waterfall(of, {step: Money(minor[step], of) for step in Step}))
    return found
