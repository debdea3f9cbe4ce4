"""Verb: reconcile, narrowed or whole: what became of the usage, in counts, quantities and money."""

from collections.abc import Sequence
from dataclasses import dataclass

from services.billing.conservation.clients import Auditor
from services.billing.conservation.domain.readings import Settled
from services.billing.conservation.domain.reconciled import Row, Totals, rows_of, totals_of
from services.billing.conservation.repository import reconciliation
from services.billing.conservation.repository.reconciliation import Narrow
from services.billing.conservation.usecases.check import snapshot


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
