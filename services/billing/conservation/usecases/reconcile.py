"""Reconcile, narrowed or whole: what became of the usage, in counts, quantities and money; the events
behind it; and what each key brought."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from services.billing.conservation.checks import k2_door
from services.billing.conservation.clients import Auditor, snapshot
from services.billing.conservation.domain.filters import Drill, Narrow
from services.billing.conservation.domain.readings import Placed, Settled
from services.billing.conservation.domain.reconciled import (
    Row,
    RowPlace,
    Sums,
    Totals,
    row_of,
    rows_of,
    totals_of,
)
from services.billing.conservation.repository import reconciliation
from shared.errors import AppError


class CurrencyMissing(AppError):
    """Amounts of several currencies have no order: name one, such as currency=USD."""


@dataclass(frozen=True, slots=True)
class Reconciled:
    """`rows`: usage by customer, type and month; `money`: by contract and period; `totals`: both added up,
    and what waits."""

    rows: Sequence[Row]
    money: Sequence[Settled]
    totals: Totals


async def reconciled(auditor: Auditor, narrow: Narrow) -> Reconciled:
    """Read it in one snapshot."""
    async with auditor.connection() as connection, snapshot(connection):
        counted = await reconciliation.counts(connection, narrow)
        measured = await reconciliation.quantities(connection, narrow)
        money = await reconciliation.money(connection, narrow)
    rows = rows_of(counted, measured, every_meter=narrow.every_meter)
    return Reconciled(rows, money, totals_of(rows, money))


async def totals(auditor: Auditor, narrow: Narrow) -> Totals:
    """The same in all: no more than some rows of it are in memory at once."""
    sums = Sums()
    async with auditor.connection() as connection, snapshot(connection):
        async for counted, measured in reconciliation.each_usage(connection, narrow):
            sums.add(row_of(counted, measured, every_meter=narrow.every_meter))
        return sums.totals(await reconciliation.money(connection, narrow))


async def waiting_rows(
    auditor: Auditor, narrow: Narrow, code: str | None, after: RowPlace | None, rows_max: int
) -> list[tuple[RowPlace, Row]]:
    """The rows after a place, those first that have most waiting in this currency; None: in the only one there is. Raises
    CurrencyMissing.

    Every row is added up for each page: what waits is a question over all events, and no table has its answer.
    """
    found = await reconciled(auditor, narrow)
    code = code or _only(found.rows)
    ranked = sorted((RowPlace.of(row, code), number) for number, row in enumerate(found.rows))
    following = [(place, found.rows[number]) for place, number in ranked if after is None or place > after]
    return following[:rows_max]


def _only(rows: Sequence[Row]) -> str | None:
    codes = sorted({value.currency.code for row in rows for one in row.waiting for value in one.value})
    if len(codes) > 1:
        raise CurrencyMissing(
            f"something waits in {', '.join(codes)}; ask for one of them, such as currency={codes[0]}"
        )
    return codes[0] if codes else None


async def placed_events(auditor: Auditor, narrow: Narrow, drill: Drill, rows_max: int) -> list[Placed]:
    """The events of a bucket, by time, after the one `drill` names."""
    async with auditor.connection() as connection, snapshot(connection):
        return await reconciliation.events(connection, narrow, drill, rows_max)


async def door_hours(
    auditor: Auditor, start: datetime, end: datetime, after: k2_door.HourPlace | None, rows_max: int
) -> list[k2_door.Hour]:
    """What each key and source brought in each hour of [start, end), by hour, key and source, after this one."""
    async with auditor.connection() as connection:
        return await k2_door.hours(connection, start, end, after, rows_max)
