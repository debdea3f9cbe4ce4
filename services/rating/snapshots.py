"""All snapshots of rating, page by page, as they stand: what `shared/runtime/retelling.py` tells once more."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from services.rating.catalogue.repository import CatalogueRepository
from services.rating.catalogue.usecases import message_of as meter_message
from services.rating.contracts.repository import ContractRepository
from services.rating.contracts.rows import ContractFilter
from services.rating.contracts.usecases.tell_versions import messages_of
from services.rating.customers.repository import CustomerRepository
from services.rating.customers.usecases import message_of as customer_message
from services.rating.statements.domain.message import pages_of
from services.rating.statements.repository.statements import StatementRepository
from shared.db.unit_of_work import UnitOfWork
from shared.runtime.retelling import Place, Snapshots, retelling
from shared.topics.rating import ACTIVITY, CATALOGUE_METERS, CONTRACTS, CUSTOMERS, STATEMENTS

METERS_A_PAGE, CUSTOMERS_A_PAGE, CONTRACTS_A_PAGE, STATEMENTS_A_PAGE, SUBJECTS_A_PAGE = 500, 200, 5, 100, 50
# One walk along the keys a subject: the aggregates have a row an hour and group.
SUBJECTS_AFTER = """
with recursive few as (
    (select least((select subject from rating.usage_days where subject > $1 order by subject limit 1),
                  (select subject from rating.usage_uniques where subject > $1 order by subject limit 1)) as
                      subject, 1 as n)
    union all
    select least((select subject from rating.usage_days d where d.subject > few.subject order by subject
        limit 1),
                 (select subject from rating.usage_uniques u where u.subject > few.subject order by subject
                     limit 1)), n + 1
    from few where few.subject is not null and n < $2)
select subject from few where subject is not null"""
MARK_DAYS = """insert into rating.activity_marks (subject, day)
    select subject, day from rating.usage_days where subject = any($1::text[])
    union select subject, (hour at time zone 'UTC')::date from rating.usage_uniques
        where subject = any($1::text[])"""


async def meters(uow: UnitOfWork, after: Place) -> tuple[int, Place]:
    await uow.connection.execute(
        "select from rating.meters where meter > $1 order by meter limit $2 for share",
        after or "",
        METERS_A_PAGE,
    )
    found = await CatalogueRepository(uow.connection).meters_page(after or "", METERS_A_PAGE)
    for meter in found:
        uow.tell(CATALOGUE_METERS, meter_message(meter))
    return len(found), _last([meter.meter for meter in found], METERS_A_PAGE)


async def customers(uow: UnitOfWork, after: Place) -> tuple[int, Place]:
    await uow.connection.execute(
        "select from rating.customers where external_id > $1 order by external_id limit $2 for share",
        after or "",
        CUSTOMERS_A_PAGE,
    )
    found = await CustomerRepository(uow.connection).customers_page(after or "", CUSTOMERS_A_PAGE)
    for customer in found:
        uow.tell(CUSTOMERS, customer_message(customer))
    return len(found), _last([customer.external_id for customer in found], CUSTOMERS_A_PAGE)


async def contracts(uow: UnitOfWork, after: Place) -> tuple[int, Place]:
    repository = ContractRepository(uow.connection)
    await uow.connection.execute(
        "select from rating.contracts where contract > $1 order by contract limit $2 for share",
        after or "",
        CONTRACTS_A_PAGE,
    )
    found = await repository.contracts(CONTRACTS_A_PAGE, after or "", ContractFilter())
    chains = await repository.chains([row.contract for row in found])
    told = [message for row in found for message in messages_of(row, chains.get(row.contract, []))]
    for message in told:
        uow.tell(CONTRACTS, message)
    return len(told), _last([row.contract for row in found], CONTRACTS_A_PAGE)


async def statements(uow: UnitOfWork, after: Place) -> tuple[int, Place]:
    """The newest revision of each, as it was said."""
    place = (after[0], datetime.fromisoformat(after[1])) if after else None
    rows = await StatementRepository(uow.connection).said_after(place, STATEMENTS_A_PAGE)
    told = [page for row in rows for page in pages_of(STATEMENTS.decode(row.said.encode()))]
    for page in told:
        uow.tell(STATEMENTS, page)
    return len(told), _last([[row.contract, row.period_start.isoformat()] for row in rows], STATEMENTS_A_PAGE)


async def activity(uow: UnitOfWork, after: Place) -> tuple[int, Place]:
    """Days are told by being marked: nothing keeps what was said of them. Returns how many subjects were."""
    rows = await uow.connection.fetch(SUBJECTS_AFTER, after or "", SUBJECTS_A_PAGE)
    subjects = [subject for (subject,) in rows]
    await uow.connection.execute(MARK_DAYS, subjects)
    return len(subjects), _last(subjects, SUBJECTS_A_PAGE)


def _last(places: Sequence[Any], page_max: int) -> Place:
    """Where a full page ends; a page that is not full is the last one."""
    return places[-1] if len(places) == page_max else None


SNAPSHOTS = (
    Snapshots(CATALOGUE_METERS, meters),
    Snapshots(CUSTOMERS, customers),
    Snapshots(CONTRACTS, contracts),
    Snapshots(STATEMENTS, statements),
    Snapshots(ACTIVITY, activity),
)
JOBS = (retelling(SNAPSHOTS),)
