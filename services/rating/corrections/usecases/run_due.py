"""Correct contracts that close no more: their anchors go on as corrections' runs until nothing more is accepted, and one
can be asked for at any time."""

from collections.abc import Sequence
from datetime import datetime

from services.rating.contracts.domain.chain import run_after
from services.rating.contracts.memory import load_chains
from services.rating.contracts.repository import ContractRepository
from services.rating.contracts.usecases.find import find_contract
from services.rating.corrections.repository import CorrectionRepository
from services.rating.corrections.usecases.correct_first import correct_first
from services.rating.corrections.usecases.price_again import Correction
from services.rating.statements.repository.statements import StatementRepository
from services.rating.statements.usecases.price import Outcome, price_asked_of
from shared.db.unit_of_work import UnitOfWork


async def run_corrections(uow: UnitOfWork, contracts: Sequence[str], now: datetime) -> list[Correction]:
    """Correct what is marked of these contracts, and say when they are looked at next. Its caller has passed the
    barrier."""
    await StatementRepository(uow.connection).hold_ownership()

    async def price(made: Sequence[Correction]) -> Outcome:
        return await price_asked_of(uow, contracts, now) if made else Outcome()

    made, _ = await correct_first(uow, contracts, now, price)
    await schedule_runs(uow, contracts, now)
    return made


async def run_now(uow: UnitOfWork, contract: str, now: datetime) -> list[Correction]:
    """The same for one contract. Raises ContractNotFound."""
    await StatementRepository(uow.connection).hold_ownership()
    await find_contract(uow, contract)
    return await run_corrections(uow, [contract], now)


async def schedule_runs(uow: UnitOfWork, contracts: Sequence[str], now: datetime) -> None:
    """Say when those of these contracts that have no open period, and open none any more, are corrected next: at their
    next anchor, for as long as anything is accepted, marked or carried. The others are corrected as they close, also those
    that were prolonged since they had ended."""
    repository = CorrectionRepository(uow.connection)
    ended = await repository.ended(contracts)
    chains = await load_chains(ContractRepository(uow.connection), [one.contract for one in ended])
    due = {
        one.contract: run_after(chains[one.contract], one.last_end, now)
        for one in ended
        if one.marked or now < one.accept_until
    }
    await repository.schedule(list(contracts), [due.get(contract) for contract in contracts])
