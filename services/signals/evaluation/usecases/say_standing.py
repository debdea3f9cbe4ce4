"""Say where customers stand: the last evaluation as of an instant, and beside it what is known this
moment."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from services.signals.domain.consumption import Consumption, consumptions
from services.signals.domain.customer_day import Contract
from services.signals.domain.renewal import Renewal, renewal
from services.signals.domain.shown import Document
from services.signals.evaluation.repository import EvaluationRepository
from services.signals.evaluation.rows import ProgressRow
from services.signals.replica.memory import chain_of
from services.signals.replica.repository.activity import ActivityRepository
from services.signals.replica.repository.replica import ReplicaRepository
from services.signals.replica.rows import ActiveDayRow, ContractRow, CustomerRow, MeterSeenRow
from shared.db.unit_of_work import UnitOfWork
from shared.errors import AppError, Kind
from shared.values.period import local_date


class CustomerNotFound(AppError):
    """Signals has not heard of this customer; create it in rating with POST /v1/customers."""

    kind = Kind.NOT_FOUND


@dataclass(frozen=True)
class ContractStanding:
    contract: str
    consumption: list[Consumption]
    renewal: Renewal
    period: tuple[date, date] | None  # inclusive local dates of the statement read
    statement_revision: int | None


@dataclass(frozen=True)
class Standing:
    """Where one customer stands at `at` (business clock), from what is known this moment."""

    at: datetime
    last_seen_at: datetime | None
    meters: list[MeterSeenRow]
    contracts: list[ContractStanding]


async def known_customer(uow: UnitOfWork, external_id: str) -> CustomerRow:
    found = await ReplicaRepository(uow.connection).customers_named([external_id])
    if external_id not in found:
        raise CustomerNotFound(f"no customer {external_id!r}")
    return found[external_id]


async def standing(uow: UnitOfWork, customer: CustomerRow, now: datetime) -> Standing:
    """Read what was heard of one customer and say what it means now."""
    meters = await ActivityRepository(uow.connection).last_seen(customer.customer_id)
    contracts = [
        await _contract(uow, row, now)
        for row in await ReplicaRepository(uow.connection).contracts_of(customer.customer_id)
    ]
    return Standing(now, max((one.last_seen_at for one in meters), default=None), meters, contracts)


async def evaluated(uow: UnitOfWork, customer: CustomerRow, at: datetime) -> Document | None:
    """The newest evaluation as of `at`; None before the first."""
    row = await EvaluationRepository(uow.connection).standing(customer.customer_id, at)
    return {**row.document, "at": row.at} if row is not None else None


async def activity_of(
    uow: UnitOfWork, external_id: str, meter: str | None, first: date, end: date
) -> list[ActiveDayRow]:
    """What a customer did on the UTC days [first, end), by meter; `meter`: of this one alone. Raises
    CustomerNotFound."""
    customer = await known_customer(uow, external_id)
    return await ActivityRepository(uow.connection).days(customer.customer_id, meter, first, end)


async def progress(uow: UnitOfWork, now: datetime) -> ProgressRow:
    """Until when customers are evaluated, and what is due."""
    return await EvaluationRepository(uow.connection).progress(now)


async def _contract(uow: UnitOfWork, row: ContractRow, now: datetime) -> ContractStanding:
    terms = Contract(row.contract, chain_of(row.contract, row.versions)).terms_at(now)
    term = renewal(terms, local_date(now, terms.timezone))
    statement = await ReplicaRepository(uow.connection).statement_at(row.contract, now)
    if statement is None:
        return ContractStanding(row.contract, [], term, None, None)
    last_moment = statement.period_end - timedelta(microseconds=1)
    return ContractStanding(
        row.contract,
        consumptions(statement.capacity, terms, now) if statement.capacity else [],
        term,
        (local_date(statement.period_start, terms.timezone), local_date(last_moment, terms.timezone)),
        statement.revision,
    )
