"""All snapshots of rating, page by page, as they stand: what `shared/runtime/retelling.py` tells once more."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from services.rating.blocks.repository import BlockRepository
from services.rating.blocks.usecases.tell_rows import tell_rows
from services.rating.catalogue.repository import CatalogueRepository
from services.rating.catalogue.usecases import message_of as meter_message
from services.rating.contracts.repository import ContractRepository
from services.rating.contracts.rows import ContractFilter
from services.rating.contracts.usecases.tell_versions import messages_of
from services.rating.corrections.repository import CorrectionRepository
from services.rating.customers.repository import CustomerRepository
from services.rating.customers.rows import CustomerFilter
from services.rating.customers.usecases import message_of as customer_message
from services.rating.metering.activity.repository import ActivityRepository
from services.rating.statements.domain.message import pages_of
from services.rating.statements.repository.statements import StatementRepository
from shared.db.listing import Order, Window
from shared.db.unit_of_work import UnitOfWork
from shared.runtime.retelling import Place, Snapshots, retelling
from shared.topics.rating import ACTIVE_HOURS, BLOCK_ROWS, CATALOGUE_METERS, CONTRACTS, CUSTOMERS, STATEMENTS

METERS_A_PAGE, CUSTOMERS_A_PAGE, CONTRACTS_A_PAGE, STATEMENTS_A_PAGE, SUBJECTS_A_PAGE = 500, 200, 5, 100, 50
BLOCK_ROWS_A_PAGE = 500


async def meters(uow: UnitOfWork, after: Place) -> tuple[int, Place]:
    repository = CatalogueRepository(uow.connection)
    await repository.hold_page(after or "", METERS_A_PAGE)
    found = await repository.meters_page(after or "", METERS_A_PAGE)
    for meter in found:
        uow.tell(CATALOGUE_METERS, meter_message(meter))
    return len(found), _last([meter.meter for meter in found], METERS_A_PAGE)


async def customers(uow: UnitOfWork, after: Place) -> tuple[int, Place]:
    repository = CustomerRepository(uow.connection)
    await repository.hold_page(after or "", CUSTOMERS_A_PAGE)
    found = await repository.page(CustomerFilter(), _by("external_id", after, CUSTOMERS_A_PAGE))
    for customer in found:
        uow.tell(CUSTOMERS, customer_message(customer))
    return len(found), _last([customer.external_id for customer in found], CUSTOMERS_A_PAGE)


async def contracts(uow: UnitOfWork, after: Place) -> tuple[int, Place]:
    repository = ContractRepository(uow.connection)
    await repository.hold_page(after or "", CONTRACTS_A_PAGE)
    found = await repository.contracts(ContractFilter(), _by("contract", after, CONTRACTS_A_PAGE))
    chains = await repository.chains([row.contract for row in found])
    told = [message for row in found for message in messages_of(row, chains.get(row.contract, []))]
    for message in told:
        uow.tell(CONTRACTS, message)
    return len(told), _last([row.contract for row in found], CONTRACTS_A_PAGE)


async def statements(uow: UnitOfWork, after: Place) -> tuple[int, Place]:
    """The newest revision of each, as it was said, its notes, and what was asked for beforehand within its period."""
    place = (after[0], datetime.fromisoformat(after[1])) if after else None
    rows = await StatementRepository(uow.connection).said_after(place, STATEMENTS_A_PAGE)
    beforehand = await BlockRepository(uow.connection).said_beforehand(
        [row.contract for row in rows], [row.period_start for row in rows]
    )
    notes = await CorrectionRepository(uow.connection).notes(
        [(row.contract, row.period_start) for row in rows]
    )
    messages = [*(row.message for row in rows), *notes] + [
        STATEMENTS.decode(said.encode()) for said in beforehand
    ]
    told = [page for message in messages for page in pages_of(message)]
    for page in told:
        uow.tell(STATEMENTS, page)
    return len(told), _last([[row.contract, row.period_start.isoformat()] for row in rows], STATEMENTS_A_PAGE)


async def block_rows(uow: UnitOfWork, after: Place) -> tuple[int, Place]:
    """Every change of a balance that stays as it is, but draws."""
    rows = await BlockRepository(uow.connection).lasting_after(after or 0, BLOCK_ROWS_A_PAGE)
    tell_rows(uow, rows)
    return len(rows), _last([row.row_id for row in rows], BLOCK_ROWS_A_PAGE)


async def activity(uow: UnitOfWork, after: Place) -> tuple[int, Place]:
    """The fold tells them: nothing keeps what was said. Returns how many subjects it was asked for."""
    repository = ActivityRepository(uow.connection)
    subjects = await repository.subjects_after(after or "", SUBJECTS_A_PAGE)
    await repository.ask_again(subjects)
    return len(subjects), _last(subjects, SUBJECTS_A_PAGE)


def _by(key: str, after: Place, rows_max: int) -> Window:
    """The next page by a key that is the id."""
    return Window(Order(key), (after, after) if after else None, rows_max)


def _last(places: Sequence[Any], page_max: int) -> Place:
    """Where a full page ends; a page that is not full is the last one."""
    return places[-1] if len(places) == page_max else None


SNAPSHOTS = (
    Snapshots(CATALOGUE_METERS, meters),
    Snapshots(CUSTOMERS, customers),
    Snapshots(CONTRACTS, contracts),
    Snapshots(STATEMENTS, statements),
    Snapshots(BLOCK_ROWS, block_rows),
    Snapshots(ACTIVE_HOURS, activity),
)
JOBS = (retelling(SNAPSHOTS),)
