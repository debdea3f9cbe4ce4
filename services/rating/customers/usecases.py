"""Verbs of customers: create one, give it another name."""

from dataclasses import replace
from datetime import datetime
from typing import Any
from urllib.parse import quote

from services.rating.customers.document import ALIASES_MAX, CustomerDocument
from services.rating.customers.repository import Customer, CustomerRepository
from shared.clock import machine_us
from shared.db import UnitOfWork
from shared.errors import AppError, Kind
from shared.ids import new_id
from shared.topics.rating import CUSTOMERS, CustomerMessage


class CustomerExists(AppError):
    """There is a customer with this external id."""

    kind = Kind.CONFLICT


class CustomerNotFound(AppError):
    """There is no such customer."""

    kind = Kind.NOT_FOUND


class SubjectTaken(AppError):
    """A subject means one customer; this one already means another, or is an external id."""

    kind = Kind.CONFLICT


class TooManyAliases(AppError):
    """A customer has at most 1,000 aliases."""


async def create_customer(uow: UnitOfWork, document: CustomerDocument, now: datetime) -> Customer:
    """Create a customer; usage that waited for it is told to pricing. Raises CustomerExists and SubjectTaken."""
    customers = CustomerRepository(uow.connection)
    aliases = tuple(sorted(set(document.aliases) - {document.external_id}))
    customer = Customer(new_id("cus"), document.external_id, document.name, document.legal_entity, document.timezone, machine_us(), now, aliases)
    if not await customers.insert(customer):
        raise CustomerExists(f"there is a customer {document.external_id!r}; read it with GET /v1/customers/{quote(document.external_id, safe='')}")
    await _name(customers, customer, [(document.external_id, False), *((alias, True) for alias in aliases)])
    uow.tell(CUSTOMERS, message_of(customer))
    return customer


async def add_alias(uow: UnitOfWork, external_id: str, alias: str) -> Customer:
    """Let another subject mean this customer; its days with usage are priced again. Raises CustomerNotFound and SubjectTaken.

    The fence makes sure that a batch under way is either seen here or sees the alias.
    """
    customers = CustomerRepository(uow.connection)
    await customers.close_fence()
    customer = await customers.customer(external_id)
    if customer is None:
        raise CustomerNotFound(f"there is no customer {external_id[:100]!r}")
    if alias in customer.aliases:
        return customer
    if len(customer.aliases) >= ALIASES_MAX:
        raise TooManyAliases()
    changed = replace(customer, aliases=tuple(sorted((*customer.aliases, alias))), revision=max(customer.revision + 1, machine_us()))
    await _name(customers, customer, [(alias, True)])
    await customers.move_revision(changed.customer_id, changed.revision)
    uow.tell(CUSTOMERS, message_of(changed))
    return changed


async def _name(customers: CustomerRepository, customer: Customer, subjects: list[tuple[str, bool]]) -> None:
    taken = await customers.insert_subjects(customer.customer_id, subjects)
    if taken:
        raise SubjectTaken(f"already taken by a customer: {', '.join(map(repr, taken[:5]))}")
    await customers.mark_usage([subject for subject, _ in subjects])


def message_of(customer: Customer) -> CustomerMessage:
    """The customer as other services hear of it."""
    return CustomerMessage(customer.customer_id, customer.revision, customer.external_id, customer.name, customer.aliases, customer.legal_entity,
                           customer.timezone)


def shown(customer: Customer) -> dict[str, Any]:
    """The customer as the API shows it."""
    return {
        "object": "customer", "id": customer.customer_id, "external_id": customer.external_id, "name": customer.name,
        "aliases": list(customer.aliases), "legal_entity": customer.legal_entity, "timezone": customer.timezone, "revision": customer.revision,
        "created_at": customer.created_at.isoformat().replace("+00:00", "Z"),
    }
