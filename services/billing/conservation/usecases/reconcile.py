"""Reconcile, narrowed or whole: what became of the usage, in counts, quantities and money; the events
behind it; and what each key brought."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from services.billing.conservation.checks import k2_door
from services.billing.conservation.clients import Auditor, snapshot
from services.billing.conservation.domain.filters import Drill, Narrow
from services.billing.conservation.domain.readings import Placed, Settled
from services.billing.conservation.domain.reconciled import Row, Totals, rows_of, totals_of
from services.billing.conservation.repository import reconciliation


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


async def placed_events(auditor: Auditor, narrow: Narrow, drill: Drill, rows_max: int) -> list[Placed]:
    """The events of a bucket, by time, after the one `drill` names."""
    async with auditor.connection() as connection, snapshot(connection):
        return await reconciliation.events(connection, narrow, drill, rows_max)


async def door_hours(auditor: Auditor, start: datetime, end: datetime, rows_max: int) -> list[k2_door.Hour]:
    """What each key and source brought in each hour of [start, end)."""
    async with auditor.connection() as connection:
        return await k2_door.hours(connection, start, end, rows_max)
