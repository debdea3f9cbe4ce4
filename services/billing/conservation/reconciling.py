"""Verb: reconcile, narrowed or whole: what became of the usage, in counts, quantities and money."""

from dataclasses import dataclass
from typing import Any

from services.billing.auditor import Auditor
from services.billing.conservation import reconciliation, views
from services.billing.conservation.reconciliation import Narrow
from services.billing.conservation.usecases import snapshot


@dataclass(frozen=True, slots=True)
class Reconciled:
    """As the API shows it. `rows`: usage by customer, type and month; `money`: by contract and period; `totals`: both added up, and what waits."""

    rows: list[dict[str, Any]]
    money: list[dict[str, Any]]
    totals: dict[str, Any]


async def reconciled(auditor: Auditor, narrow: Narrow) -> Reconciled:
    """Read it in one snapshot."""
    async with auditor.connection() as connection, snapshot(connection):
        counted = await reconciliation.counts(connection, narrow)
        measured = await reconciliation.quantities(connection, narrow)
        money = await reconciliation.money(connection, narrow)
    rows, settled = views.rows_of(counted, measured, every_meter=narrow.every_meter), [views.money_row(row) for row in money]
    return Reconciled(rows, settled, views.totals_of(rows, settled))
