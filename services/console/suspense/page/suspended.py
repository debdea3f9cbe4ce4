"""What waits of one owner, as its template takes it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from services.console.domain.addresses import address
from services.console.domain.amounts import Amount
from services.console.domain.nouns import customer_at, event_at
from services.console.domain.parts import (
    Cell,
    Column,
    Down,
    Empty,
    Fact,
    Facts,
    Form,
    Pager,
    Row,
    Table,
    key_of,
    pager_of,
)
from services.console.domain.times import Zones, days
from services.console.domain.visit import Visit
from services.console.suspense.page.waiting import HEADS, SUSPENSE, Suspended, row_of, worth

EVENT_HEADS: Final = (
    Column("Time"),
    Column("Source"),
    Column("Event"),
    Column("At list price", is_number=True),
)
DRAFT_HEADS: Final = (Column("Contract"), Column("Period"), Column("Draft", is_number=True))
RESOLVED: Final = Empty(
    "Nothing of it waits any more.", "Whatever is priced counts it from now on.", SUSPENSE, "All of suspense"
)
NO_EVENTS: Final = Empty("No event of this month waits.", "Another month may have some.")
NO_DRAFTS: Final = Empty(
    "It has no open period.",
    "Usage of closed ones is corrected, or waits for a decision.",
    "/late",
    "Late usage",
)


@dataclass(frozen=True, slots=True)
class Mend:
    """A way to make it billable; `says` what comes of it."""

    title: str
    says: str
    form: Form


@dataclass(frozen=True, slots=True)
class SuspendedPage:
    """The months of one owner, the events of the one that was opened, the drafts of whom they belong to now, and what
    would make them billable."""

    title: str
    facts: Facts
    months: Table
    events: Table | None
    drafts: Table | None
    down: tuple[Down, ...]
    mends: tuple[Mend, ...]


def facts_of(of: Suspended, visit: Visit) -> Facts:
    owner = Cell.of(of.owner, customer_at(visit, of.customer) if of.customer else "")
    facts = (
        Fact("Customer" if of.customer else "Subject of no customer", (owner,)),
        Fact("Type", (Cell.of(of.type),)),
        Fact("Month", (Cell.of(of.month),)),
    )
    return Facts("of", facts)


def events_table(of: Suspended, answer: Mapping[str, Any], visit: Visit) -> Table:
    """`answer`: a page of billing's `GET /v1/reconciliation/events` of bucket `suspense`."""
    zones = visit.zones
    rows = tuple(
        Row(
            key_of(event["source"], event["id"]),
            (
                Cell.at(zones.moment(event["time"])),
                Cell.of(event["source"]),
                Cell.of(event["id"], event_at(visit, event["source"], event["id"])),
                worth(event["value"]),
            ),
        )
        for event in answer["data"]
    )
    here = of.at(**zones.query)
    pager = pager_of(answer, here, here)
    return Table("events", f"Its events of {of.month}", EVENT_HEADS, rows, NO_EVENTS, pager, of.csv(zones))


def drafts_table(customer: str, answer: Mapping[str, Any], zones: Zones) -> Table:
    """What the usage moves: the customer's drafts as they are now. `answer`: a page of billing's `GET /v1/invoices`."""
    rows = tuple(
        Row(
            key_of(draft["id"]),
            (
                Cell.of(draft["contract"]),
                Cell(days(draft["period"]["start"], draft["period"]["end"])),
                Cell.amount(Amount(draft["currency"], draft["total"])),
            ),
            address("invoices", draft["id"], **zones.query),
        )
        for draft in answer["data"]
    )
    pager = Pager(f"{len(rows)} shown, there are more") if answer["has_more"] else None
    return Table("drafts", f"Drafts of {customer} as they are now", DRAFT_HEADS, rows, NO_DRAFTS, pager)


def months_table(answer: Mapping[str, Any], zones: Zones) -> Table:
    """`answer`: a page of suspense of one owner."""
    rows = tuple(row_of(row, zones) for row in answer["data"])
    pager = Pager(f"{len(rows)} shown, there are more") if answer["has_more"] else None
    return Table("months", "What waits of it", HEADS, rows, RESOLVED, pager)
