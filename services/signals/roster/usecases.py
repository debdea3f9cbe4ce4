"""List the roster."""

from dataclasses import replace
from datetime import date, datetime

from services.signals.replica.rows import CustomerRow
from services.signals.roster.repository import RosterRepository
from services.signals.roster.rows import Days, Order, Place, RosterFilter, RosterRow, RosterTotal
from shared.db.unit_of_work import UnitOfWork
from shared.errors import AppError


class CurrencyMissing(AppError):
    """Amounts of several currencies have no order: customers are listed by what is at stake in one of them."""


async def list_customers(
    uow: UnitOfWork,
    at: datetime | None,
    wanted: RosterFilter,
    order: Order,
    after: Place | None,
    rows_max: int,
) -> list[RosterRow]:
    """Customers after a place in this order, with their newest evaluation, as of an instant if one is asked about. Raises
    CurrencyMissing."""
    roster = RosterRepository(uow.connection)
    if order.sort == "stake" and order.currency is None:
        order = replace(order, currency=_only(await roster.currencies(at)))
    return await roster.page(at, wanted, order, after, rows_max)


async def count_customers(uow: UnitOfWork, at: datetime | None, wanted: RosterFilter) -> int:
    """How many there are, or one more than are counted."""
    return await RosterRepository(uow.connection).count(at, wanted)


async def total_customers(uow: UnitOfWork, at: datetime | None, wanted: RosterFilter) -> RosterTotal:
    """How many fit, and what is at stake with them."""
    return await RosterRepository(uow.connection).total(at, wanted)


async def list_days(
    uow: UnitOfWork, customer: CustomerRow, days: Days, after: date | None, rows_max: int
) -> list[RosterRow]:
    """Where the customer stood, day by day, after this one."""
    return await RosterRepository(uow.connection).days(customer.customer_id, days, after, rows_max)


def _only(currencies: list[str]) -> str | None:
    """The one in which something is at stake; None where nothing is."""
    if len(currencies) > 1:
        names = ", ".join(currencies)
        raise CurrencyMissing(
            f"something is at stake in {names}; ask for one of them, such as currency={currencies[0]}"
        )
    return currencies[0] if currencies else None
