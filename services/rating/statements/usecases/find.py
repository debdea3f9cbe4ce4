"""Find one statement, list them, and those of a customer's current periods."""

from datetime import date, datetime

from services.rating.corrections.repository import CorrectionRepository
from services.rating.corrections.rows import SaidCorrection, StoredCorrection
from services.rating.customers.domain import CustomerNotFound
from services.rating.statements.repository.statements import StatementRepository
from services.rating.statements.rows import StatementFilter, StoredStatement
from shared.db.unit_of_work import UnitOfWork
from shared.errors import AppError, Kind
from shared.topics.rating import NOTE, PERIOD, StatementMessage


class StatementNotFound(AppError):
    """There is no statement of this contract for a period that starts on this day."""

    kind = Kind.NOT_FOUND


async def find(uow: UnitOfWork, contract: str, start_date: date) -> StoredStatement:
    """Return the row of a statement, or raise StatementNotFound."""
    row = await StatementRepository(uow.connection).statement(contract, start_date)
    if row is None:
        raise StatementNotFound(
            f"{contract[:100]} has none from {start_date}; GET /v1/statements?contract= lists what there is"
        )
    return row


async def find_statement(
    uow: UnitOfWork, contract: str, start_date: date, occasion: str
) -> tuple[StatementMessage, list[SaidCorrection]]:
    """Return the current revision of a statement, or a correction of it, and all of its corrections. Raises
    StatementNotFound."""
    if occasion != PERIOD:
        found = (await find_correction(uow, contract, start_date, occasion)).said.message
    else:
        found = (await find(uow, contract, start_date)).document
    return found, await CorrectionRepository(uow.connection).corrections(contract, start_date)


async def find_correction(
    uow: UnitOfWork, contract: str, start_date: date, occasion: str
) -> StoredCorrection:
    """Return the correction of this occasion, or raise StatementNotFound."""
    number = int(occasion.removeprefix(NOTE))
    row = await CorrectionRepository(uow.connection).correction(contract, start_date, number)
    if row is None:
        raise StatementNotFound(
            f"{contract[:100]} has no correction {number} of the period from {start_date}; GET "
            f"/v1/statements/{contract[:100]}/{start_date} lists what there is"
        )
    return row


async def list_statements(
    uow: UnitOfWork,
    after: tuple[str, datetime] | None,
    rows_max: int,
    wanted: StatementFilter,
    now: datetime,
) -> list[StatementMessage]:
    """Return statements by contract and period, after this one."""
    return await StatementRepository(uow.connection).statements(rows_max, after, wanted, now)


async def current_statements(uow: UnitOfWork, customer: str, now: datetime) -> list[StatementMessage]:
    """Return the statements of a customer's current periods, or raise CustomerNotFound."""
    found = await StatementRepository(uow.connection).current_of_customer(customer, now)
    if found is None:
        raise CustomerNotFound(f"there is no customer {customer!r}")
    return found
