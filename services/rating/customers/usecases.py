"""Customers: create one, change it, give it another name and take one back, find and list them."""

from dataclasses import replace
from datetime import datetime
from urllib.parse import quote

from services.rating.contracts.repository import ContractRepository
from services.rating.customers.domain import CustomerNotFound
from services.rating.customers.repository import CustomerRepository
from services.rating.customers.requests import ALIASES_MAX, AliasChanges, CustomerChanges, CustomerDocument
from services.rating.customers.rows import Customer, CustomerFilter
from shared.db.listing import Window
from shared.db.unit_of_work import UnitOfWork
from shared.errors import AppError, Kind
from shared.runtime.clock import machine_us
from shared.topics.rating import CUSTOMERS, CustomerMessage
from shared.values.ids import new_id


class CustomerExists(AppError):
    """There is a customer with this external id."""

    kind = Kind.CONFLICT


class SubjectTaken(AppError):
    """A subject means one customer; this one already means another, or is an external id."""

    kind = Kind.CONFLICT


class AliasNotTheirs(AppError):
    """Only an alias of this customer can be taken back."""

    kind = Kind.CONFLICT


class TooManyAliases(AppError):
    """A customer has at most 1,000 aliases."""


async def create_customer(uow: UnitOfWork, document: CustomerDocument, now: datetime) -> Customer:
    """Create a customer; usage that waited for it is told to pricing. Raises CustomerExists and
    SubjectTaken."""
    customers = CustomerRepository(uow.connection)
    aliases = tuple(sorted(set(document.aliases) - {document.external_id}))
    customer = Customer(
        new_id("cus"),
        document.external_id,
        document.name,
        document.legal_entity,
        document.timezone,
        machine_us(),
        now,
        aliases,
    )
    if not await customers.insert(customer):
        raise CustomerExists(
            f"there is a customer {document.external_id!r}; read it with GET /v1/customers/{quote(document.external_id, safe='')}"
        )
    await _name(customers, customer, [(document.external_id, False), *((alias, True) for alias in aliases)])
    uow.tell(CUSTOMERS, message_of(customer))
    return customer


async def find_customer(uow: UnitOfWork, external_id: str) -> Customer:
    """Return the customer, or raise CustomerNotFound."""
    found = await CustomerRepository(uow.connection).customer(external_id)
    if found is None:
        raise CustomerNotFound(f"there is no customer {external_id[:100]!r}")
    return found


async def list_customers(uow: UnitOfWork, wanted: CustomerFilter, window: Window) -> list[Customer]:
    """Return customers in the order that is asked for."""
    return await CustomerRepository(uow.connection).page(wanted, window)


async def count_customers(uow: UnitOfWork, wanted: CustomerFilter) -> int:
    """Return how many there are, or one more than are counted."""
    return await CustomerRepository(uow.connection).count(wanted)


async def add_alias(uow: UnitOfWork, external_id: str, alias: str, now: datetime) -> Customer:
    """Let another subject mean this customer; its days with usage are priced again. Raises what
    `change_customer` does."""
    return await change_customer(uow, external_id, CustomerChanges(aliases=AliasChanges(add=[alias])), now)


async def change_customer(
    uow: UnitOfWork, external_id: str, changes: CustomerChanges, now: datetime
) -> Customer:
    """Change what is given. Usage that comes with an alias or leaves with one is priced again in every period
    that is open.

    A final statement keeps the subjects it closed with. Raises CustomerNotFound, SubjectTaken, AliasNotTheirs
    and TooManyAliases. The fence makes sure that a batch under way is either seen here or sees the change.
    """
    customers = CustomerRepository(uow.connection)
    if changes.aliases.remove:
        await customers.hold_ownership()
    await customers.close_fence()
    customer = await find_customer(uow, external_id)
    added, removed = (
        sorted(set(changes.aliases.add) - set(customer.aliases)),
        sorted(set(changes.aliases.remove)),
    )
    if strange := set(removed) - set(customer.aliases):
        raise AliasNotTheirs(
            f"{min(strange)[:100]!r} is no alias of {external_id[:100]!r}; GET /v1/customers/{external_id[:100]} lists them"
        )
    aliases = tuple(sorted({*customer.aliases, *added} - set(removed)))
    if len(aliases) > ALIASES_MAX:
        raise TooManyAliases()
    wanted = replace(
        customer,
        aliases=aliases,
        name=changes.name or customer.name,
        legal_entity=changes.legal_entity or customer.legal_entity,
        timezone=changes.timezone or customer.timezone,
    )
    if wanted == customer:
        return customer
    changed = replace(wanted, revision=max(customer.revision + 1, machine_us()))
    await _rename(uow, changed, added, removed, now)
    await customers.replace(changed)
    uow.tell(CUSTOMERS, message_of(changed))
    return changed


async def _rename(
    uow: UnitOfWork, customer: Customer, added: list[str], removed: list[str], now: datetime
) -> None:
    customers = CustomerRepository(uow.connection)
    if removed:
        await customers.take_back(customer.customer_id, removed, now)
        # Of whoever has them next, and what is told of activity.
        await customers.mark_usage(removed)
        await ContractRepository(uow.connection).mark_open_periods_of(customer.customer_id)
    if added:
        await _name(customers, customer, [(alias, True) for alias in added])


async def _name(customers: CustomerRepository, customer: Customer, subjects: list[tuple[str, bool]]) -> None:
    taken = await customers.insert_subjects(customer.customer_id, subjects)
    if taken:
        raise SubjectTaken(f"already taken by a customer: {', '.join(map(repr, taken[:5]))}")
    await customers.mark_usage([subject for subject, _ in subjects])


def message_of(customer: Customer) -> CustomerMessage:
    """The customer as other services hear of it."""
    return CustomerMessage(
        customer.customer_id,
        customer.revision,
        customer.external_id,
        customer.name,
        customer.aliases,
        customer.legal_entity,
        customer.timezone,
    )
