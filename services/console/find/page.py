"""What was found, as its template takes it."""

from dataclasses import dataclass

from services.console.domain.addresses import address
from services.console.domain.nouns import (
    READS_CUSTOMERS,
    READS_EVENTS,
    contract_at,
    customer_at,
    quarantined_at,
)
from services.console.domain.parts import Cell, Column, Down, Empty, Row, Table, key_of
from services.console.domain.visit import Visit
from services.console.find.usecases import Found, Named


@dataclass(frozen=True, slots=True)
class FindPage:
    title: str
    found: Table
    down: tuple[Down, ...]


def address_of(one: Named, visit: Visit) -> str:
    """Where it is; "" for who may not go there."""
    zone = visit.zones.query
    match one.kind:
        case "document":
            return address("invoices", one.id, **zone)
        case "contract":
            return contract_at(visit, one.id)
        case "customer":
            return customer_at(visit, one.id)
        case "signal":
            return address("signals", one.id, **zone) if visit.role in READS_CUSTOMERS else ""
        case "quarantined event":
            return quarantined_at(visit, one.id)


def onward(name: str, found: Found, visit: Visit) -> str:
    """Where there is one thing alone that is called just so, or one that begins so, its address; else ""."""
    exact = [one for one in found.named if name in (one.name, one.id)]
    addresses = [address_of(one, visit) for one in exact or found.named]
    return addresses[0] if len(addresses) == 1 and not found.silent else ""


def find_page(name: str, found: Found, visit: Visit) -> FindPage:
    rows = tuple(
        Row(
            key_of(one.kind, one.id),
            (Cell.of(one.name), Cell(one.kind), Cell.of(one.says)),
            address_of(one, visit),
        )
        for one in found.named
    )
    empty = Empty(
        "Customers, contracts, documents and events in quarantine whose name, number or id begins so appear here.",
        "There is none. What became of an event is asked by its source and id.",
        address("events", id=name, **visit.zones.query) if visit.role in READS_EVENTS else "",
        "Ask for an event",
    )
    columns = (Column("name"), Column("what"), Column("of"))
    return FindPage(
        "Find",
        Table("found", f"Begins with {name}", columns, rows, empty),
        tuple(
            one.block(f"What {one.service} knows", address("find", q=name, **visit.zones.query))
            for one in found.silent
        ),
    )
