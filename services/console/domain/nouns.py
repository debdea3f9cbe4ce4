"""Where the pages of what is named on other pages are, for who may open them, in the zone that was chosen."""

from typing import Final

from services.console.domain.addresses import address
from services.console.domain.roles import Role
from services.console.domain.times import Zones
from services.console.domain.visit import Visit

#: Whose page of a customer, and of an event, is.
READS_CUSTOMERS: Final[tuple[Role, ...]] = ("customer-success", "leader", "finance")
READS_EVENTS: Final[tuple[Role, ...]] = ("engineer", "finance", "leader")


def customer_at(visit: Visit, customer: str) -> str:
    """The customer's page; for who may not open it, their documents."""
    if visit.role in READS_CUSTOMERS:
        return address("customers", customer, **visit.zones.query)
    return address("invoices", customer=customer, **visit.zones.query)


def contract_at(visit: Visit, contract: str) -> str:
    """The contract's documents."""
    return address("invoices", contract=contract, **visit.zones.query)


def owner_at(zones: Zones, owner: str) -> str:
    """What waits for this seat."""
    return address("work", owner=owner, **zones.query)


def event_at(visit: Visit, source: str, id: str) -> str:
    """What became of the event; "" for who may not ask that."""
    if visit.role not in READS_EVENTS:
        return ""
    return address("events", source=source, id=id, **visit.zones.query)


def quarantined_at(visit: Visit, quarantine_id: str) -> str:
    """The event that could not be taken; "" for who may not see it."""
    if visit.role not in READS_EVENTS:
        return ""
    return address("quarantine", quarantine_id, **visit.zones.query)
