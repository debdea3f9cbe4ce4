"""Open the service periods the business clock has reached, so that every contract gets a statement for
every period."""

from datetime import datetime

from services.rating.blocks.usecases.ask_beforehand import keep_asked
from services.rating.contracts.domain.chain import close_due_at, periods_to_open
from services.rating.contracts.memory import load_chains
from services.rating.contracts.repository import ContractRepository
from shared.db.unit_of_work import UnitOfWork
from shared.pricing.inputs import VersionInForce

CONTRACTS_MAX = 200  # contracts one transaction opens periods of


async def open_due_periods(uow: UnitOfWork, now: datetime) -> int:
    """Open what is due at `now`; return how many contracts were taken. Any number of replicas: each takes
    contracts nobody holds."""
    contracts = ContractRepository(uow.connection)
    due = await contracts.claim_unopened(now, CONTRACTS_MAX)
    chains, opened = await load_chains(contracts, due), await contracts.opened_until(due)
    for contract in due:
        await open_periods(uow, contract, chains[contract], opened.get(contract), now)
    return len(due)


async def open_periods(
    uow: UnitOfWork,
    contract: str,
    chain: tuple[VersionInForce, ...],
    opened_until: datetime | None,
    now: datetime,
) -> None:
    """Open the periods of one contract, whose row the caller holds, keep what they ask for beforehand, and note when
    the next begins."""
    contracts = ContractRepository(uow.connection)
    opening = periods_to_open(chain[-1].terms.calendar, opened_until, now)
    await contracts.open_periods(
        contract, [(period, close_due_at(chain, period.end)) for period in opening.periods]
    )
    await keep_asked(uow, contract, chain, opening.periods)
    await contracts.set_next_period(contract, opening.next_at)
