"""Hold customers of whom a contract or the state cannot be read, and let them go again. Nothing is told of what is only
half known: their days stay due and are evaluated once all of it can be read."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from services.signals.domain.customer_day import Contract
from services.signals.domain.state import CustomerState, StateUnreadable, read_state
from services.signals.evaluation.repository import EvaluationRepository
from services.signals.evaluation.rows import ContractRow, Due
from services.signals.replica.memory import ContractUnreadable, chain_of
from shared.cases import NewCase, open_exception, resolve_exception
from shared.db.unit_of_work import UnitOfWork
from shared.runtime.clock import machine_now
from shared.runtime.turns import in_turns

#: Until a held customer is looked at again. What mends it is mostly a newer signals, and begins with a start.
AGAIN_AFTER = timedelta(minutes=1)
CONTRACT, STATE, OWNER = "contract_unreadable", "state_unreadable", "operations"


class Unreadable(NamedTuple):
    """What cannot be read of a customer: the kind of its exception, what that refers to, and the fault."""

    customer_id: str
    kind: str
    reference: str
    detail: str


def read_states(claimed: Sequence[Due]) -> tuple[dict[str, CustomerState | None], list[Unreadable]]:
    """Return customer → its state (None: it was never evaluated), and apart those that cannot be read."""
    found: dict[str, CustomerState | None] = {}
    unreadable: list[Unreadable] = []
    for one in claimed:
        try:
            found[one.customer_id] = read_state(one.state)
        except StateUnreadable as fault:
            detail = f"{one.external_id} is not evaluated: {fault.detail}"
            unreadable.append(Unreadable(one.customer_id, STATE, one.external_id, detail))
    return found, unreadable


async def read_contracts(
    rows: Sequence[ContractRow],
) -> tuple[dict[str, list[Contract]], list[Unreadable]]:
    """Return customer → its contracts with their terms, and apart those that cannot be read."""
    found: dict[str, list[Contract]] = {}
    unreadable: list[Unreadable] = []
    async for row in in_turns(rows):
        try:
            contract = Contract(row.contract, chain_of(row.contract, row.versions), row.capacities)
        except ContractUnreadable as fault:
            unreadable.append(Unreadable(row.customer_id, CONTRACT, row.contract, fault.detail))
        else:
            found.setdefault(row.customer_id, []).append(contract)
    return found, unreadable


async def hold(uow: UnitOfWork, unreadable: Sequence[Unreadable], now: datetime) -> set[str]:
    """Open an exception for each of these and let their customers wait; return the customers' ids."""
    customers = {one.customer_id for one in unreadable}
    if customers:
        await EvaluationRepository(uow.connection).hold(sorted(customers), machine_now() + AGAIN_AFTER)
    for one in unreadable:
        await open_exception(uow, NewCase(one.kind, one.reference, one.detail, OWNER), now)
    return customers


async def release(
    uow: UnitOfWork, freed: Sequence[Due], contracts: Mapping[str, Sequence[Contract]], now: datetime
) -> None:
    """Close the exceptions of these customers: all of them can be read."""
    for one in freed:
        await resolve_exception(uow, STATE, one.external_id, now)
        for contract in contracts.get(one.customer_id, ()):
            await resolve_exception(uow, CONTRACT, contract.contract, now)
