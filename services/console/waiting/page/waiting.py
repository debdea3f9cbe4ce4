"""The whole page: what billing says, and what waits at the door, is at risk, and stands open in any service."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from services.console.domain.addresses import address, with_query
from services.console.domain.amounts import grouped
from services.console.domain.nouns import owner_at
from services.console.domain.parts import (
    Cell,
    Column,
    Down,
    Empty,
    Fact,
    Facts,
    Field,
    Filters,
    Pager,
    Row,
    Table,
    hidden,
    key_of,
)
from services.console.domain.roles import Role
from services.console.domain.times import Zones
from services.console.upstream.domain.told import Service, Silent, Told
from services.console.waiting.page.standing import (
    CurrencyShown,
    amount_of,
    books_at,
    currency_shown,
    day_cell,
    each_of,
    events_table,
    owners_table,
    standing_facts,
)

WAITING: Final = "/"
QUARANTINE: Final = "/quarantine"
CUSTOMERS_AT: Final = "/customers"
#: Whose first page it is.
READERS: Final[tuple[Role, ...]] = ("leader",)
AT_RISK_SHOWN: Final = 5
DOOR: Final = (
    Column("What is wrong"),
    Column("Whose it is"),
    Column("Events", is_number=True),
    Column("Oldest came"),
)
CUSTOMERS: Final = (
    Column("Customer"),
    Column("Renews"),
    Column("Why"),
    Column("Settled in a year", is_number=True),
)
EXCEPTIONS: Final = (
    Column("Exception"),
    Column("Service"),
    Column("Whose it is"),
    Column("Open", is_number=True),
    Column("Overdue", is_number=True),
    Column("Oldest"),
    Column("First deadline"),
    Column("Worth", is_number=True),
)
NOTHING_AT_THE_DOOR: Final = Empty(
    "Nothing is in quarantine.", "Events that cannot be taken are counted here by what is wrong with them."
)
NO_RISK: Final = Empty("No customer is at risk.", "Who is appears here, the next renewal first.")
NO_EXCEPTION: Final = Empty(
    "No exception is open.", "What stops an invoice, or is not as it should be, appears here with its owner."
)


@dataclass(frozen=True, slots=True)
class Found:
    """What the services say: `standing` billing's, `quarantine` usage_ingest's, `stakes` and `at_risk` those of signals,
    `exceptions` of each."""

    standing: Told | Silent
    quarantine: Told | Silent
    stakes: Told | Silent
    at_risk: Told | Silent
    exceptions: Mapping[Service, Told | Silent]


@dataclass(frozen=True, slots=True)
class WaitingPage:
    """`down` where billing does not answer, and with it `standing`, `events` and `owners`; `downs`: the others."""

    title: str
    filters: Filters
    standing: Facts | None
    currencies: tuple[CurrencyShown, ...]
    events: Table | None
    owners: Table | None
    door: Table | None
    stakes: Facts | None
    at_risk: Table | None
    exceptions: Table
    down: Down | None
    downs: tuple[Down, ...]


def waiting_page(found: Found, since: str, here: str, zones: Zones) -> WaitingPage:
    """`since`: the day that was asked to compare with, "" where none was."""
    standing = found.standing.document if isinstance(found.standing, Told) else None
    return WaitingPage(
        "Where revenue waits",
        _filters(since, standing, zones),
        None if standing is None else standing_facts(standing, zones),
        ()
        if standing is None
        else tuple(currency_shown(one, standing, zones) for one in standing["waterfalls"]),
        None if standing is None else events_table(standing, zones),
        None if standing is None or standing["day"] is None else owners_table(standing, zones),
        _door(found.quarantine.document, zones) if isinstance(found.quarantine, Told) else None,
        _stakes(found.stakes.document, zones) if isinstance(found.stakes, Told) else None,
        _at_risk(found.at_risk.document, zones) if isinstance(found.at_risk, Told) else None,
        _exceptions(found.exceptions, zones),
        found.standing.block("What waits", here) if isinstance(found.standing, Silent) else None,
        tuple(_downs(found, here)),
    )


def _downs(found: Found, here: str) -> Iterator[Down]:
    blocks = {
        "Quarantine": found.quarantine,
        "What is at risk": found.stakes,
        "Who is at risk": found.at_risk,
    }
    of_services = {f"Exceptions of {service}": told for service, told in found.exceptions.items()}
    for what, told in {**blocks, **of_services}.items():
        if isinstance(told, Silent):
            yield told.block(what, here)


def _filters(since: str, standing: Mapping[str, Any] | None, zones: Zones) -> Filters:
    compared = since or (standing or {}).get("since") or ""
    hint = "The last check of that day, or of the last day before it that has one."
    field = Field("since", "Compare with the day", compared, "date", hint=hint)
    fields, rest = (field, *hidden(zones.query)), with_query(WAITING, zones.query)
    return Filters("compare", WAITING, fields, rest, go="Compare", rest="seven days before")


def _door(summary: Mapping[str, Any], zones: Zones) -> Table:
    """`summary`: the answer of `GET /v1/quarantine/summary` of usage_ingest, by code."""
    rows = tuple(
        Row(
            key_of(group["code"]),
            (
                Cell.of(group["code"]),
                Cell.of(summary["owner"], owner_at(zones, summary["owner"])),
                Cell.number(
                    str(group["events"]),
                    with_query(QUARANTINE, {"status": "open", "code": group["code"], **zones.query}),
                ),
                Cell.at(zones.moment(group["oldest"])),
            ),
        )
        for group in summary["groups"]
    )
    pager = Pager(f"{grouped(str(summary['events']))} in all") if rows else None
    return Table("door", "At the door: what could not be taken", DOOR, rows, NOTHING_AT_THE_DOOR, pager)


def _listed_at_risk(zones: Zones) -> str:
    return with_query(CUSTOMERS_AT, {"at_risk": "true", "sort": "renewal", **zones.query})


def _stakes(totals: Mapping[str, Any], zones: Zones) -> Facts:
    """`totals`: the answer of `GET /v1/customers/totals` of signals, of those at risk."""
    listed = _listed_at_risk(zones)
    stakes = tuple(Cell.amount(amount_of(one), listed) for one in totals["at_stake"])
    return Facts(
        "stakes",
        (
            Fact("Customers at risk", (Cell.number(str(totals["customers"]), listed),)),
            Fact("Settled with them in twelve months", stakes or (Cell("nothing"),)),
            Fact("Whose it is", (Cell.of(totals["owner"], owner_at(zones, totals["owner"])),)),
        ),
    )


def _at_risk(answer: Mapping[str, Any], zones: Zones) -> Table:
    """`answer`: a page of `GET /v1/customers` of signals, of those at risk, the next renewal first."""
    rows = tuple(
        Row(
            key_of(one["customer"]),
            (
                Cell.of(f"{one['customer']} · {one['name']}"),
                Cell("") if one["renews_on"] is None else day_cell(one["renews_on"]),
                Cell.of(
                    "; ".join(f"{reason['says']}: {reason['number']}" for reason in one["reasons"] or ())
                ),
                each_of(one["at_stake"] or ()),
            ),
            address("customers", one["customer"], **zones.query),
        )
        for one in answer["data"]
    )
    more = Pager(f"{len(rows)} shown, more follow", next=_listed_at_risk(zones))
    pager = more if answer["has_more"] else None
    return Table("at-risk", "Who renews first", CUSTOMERS, rows, NO_RISK, pager)


def _exceptions(told: Mapping[Service, Told | Silent], zones: Zones) -> Table:
    """What is overdue first, then by deadline."""
    counts = [
        (service, count)
        for service, answer in told.items()
        if isinstance(answer, Told)
        for count in answer.document["counts"]
    ]
    counts.sort(key=lambda one: (not one[1]["overdue"], one[1]["deadline_at"], one[0], one[1]["kind"]))
    rows = tuple(_exception(service, count, zones) for service, count in counts)
    return Table("exceptions", "Exceptions, what is overdue first", EXCEPTIONS, rows, NO_EXCEPTION)


def _exception(service: str, count: Mapping[str, Any], zones: Zones) -> Row:
    overdue = grouped(str(count["overdue"]))
    return Row(
        key_of(service, count["kind"], count["owner"]),
        (
            Cell.of(count["kind"].replace("_", " ")),
            Cell(service),
            Cell.of(count["owner"], owner_at(zones, count["owner"])),
            Cell.number(str(count["open"])),
            Cell(overdue, state="bad" if count["overdue"] else "", is_number=True),
            Cell.at(zones.moment(count["oldest_at"])),
            Cell.at(zones.moment(count["deadline_at"])),
            each_of(count["price"]),
        ),
        books_at(zones)
        if count["kind"].startswith("conservation_")
        else address("work", service=service, owner=count["owner"], **zones.query),
    )
