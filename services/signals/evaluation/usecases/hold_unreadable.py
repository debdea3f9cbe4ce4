"""Hold customers of whom a contract cannot be read, and let them go again. Nothing is told of what is only half
known: their days stay due and are evaluated once the terms can be read."""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta

from services.signals.domain.customer_day import Contract
from services.signals.evaluation.repository import EvaluationRepository
from services.signals.evaluation.rows import ContractRow
from services.signals.replica.memory import ContractUnreadable, chain_of
from shared.cases import NewCase, open_exception, resolve_exception
from shared.db.unit_of_work import UnitOfWork
from shared.runtime.clock import machine_now

#: Until a held customer is looked at again. What mends it is mostly a newer signals, and begins with a start.
AGAIN_AFTER = timedelta(minutes=1)
KIND, OWNER = "contract_unreadable", "operations"

Unreadable = tuple[ContractRow, ContractUnreadable]


def read_contracts(rows: Sequence[ContractRow]) -> tuple[dict[str, list[Contract]], list[Unreadable]]:
    """Return customer → its contracts with their terms, and apart those that cannot be read, each with its
    fault."""
    found: dict[str, list[Contract]] = {}
    unreadable: list[Unreadable] = []
    for row in rows:
        try:
            contract = Contract(row.contract, chain_of(row.contract, row.versions), row.capacities)
        except ContractUnreadable as fault:
            unreadable.append((row, fault))
        else:
            found.setdefault(row.customer_id, []).append(contract)
    return found, unreadable


async def hold(uow: UnitOfWork, unreadable: Sequence[Unreadable], now: datetime) -> set[str]:
    """Open an exception for each of these contracts and let their customers wait; return the customers' ids."""
    customers = {row.customer_id for row, _ in unreadable}
    await EvaluationRepository(uow.connection).hold(sorted(customers), machine_now() + AGAIN_AFTER)
    for row, fault in unreadable:
        await open_exception(uow, NewCase(KIND, row.contract, fault.detail, OWNER), now)
    return customers


async def release(uow: UnitOfWork, contracts: Collection[str], now: datetime) -> None:
    """Close the exceptions of these contracts: they can be read."""
    for contract in sorted(contracts):
        await resolve_exception(uow, KIND, contract, now)
