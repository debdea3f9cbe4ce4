"""The page of what became of an event, as its template takes it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from services.console.domain.addresses import address, with_query
from services.console.domain.amounts import grouped
from services.console.domain.nouns import contract_at, customer_at
from services.console.domain.parts import (
    Cell,
    Column,
    Down,
    Empty,
    Fact,
    Facts,
    Field,
    Filters,
    Row,
    State,
    Table,
    hidden,
    key_of,
)
from services.console.domain.times import Zones, days
from services.console.domain.visit import Visit

EVENTS: Final = "/events"
#: Words for a person, and whether it is as it should be.
VERDICTS: Final[Mapping[str, tuple[str, State]]] = {
    "billed": ("billed", "good"),
    "will_be_billed": ("will be billed", "good"),
    "suspense": ("in suspense: nobody is billed for it", "warn"),
    "unpriced": ("not priced: no line of its contract charges it", "warn"),
    "voided": ("voided", ""),
    "held_late": ("held: it came later than its contract accepts", "warn"),
    "waived_late": ("waived: it came too late, and that was decided", ""),
    "held": ("held: its period cannot be priced", "bad"),
    "conflict": ("counted nowhere: another body came under its id", "bad"),
    "set_aside": ("set aside: a service could not take it", "bad"),
    "in_flight": ("on its way", ""),
    "unknown": ("never seen", "warn"),
}
QUARANTINED: Final = ("could not be taken", "bad")
CONTRACT_HEADS: Final = (
    Column("Contract"),
    Column("Version"),
    Column("Period"),
    Column("State"),
    Column("Lines"),
)
NO_CONTRACT: Final = Empty("No contract charges it.", "The verdict says why.")


@dataclass(frozen=True, slots=True)
class Asked:
    """Which event. Both are "" until somebody asks."""

    source: str = ""
    id: str = ""

    @property
    def is_asked(self) -> bool:
        return bool(self.source and self.id)


@dataclass(frozen=True, slots=True)
class EventsPage:
    """`found` is None until somebody asks, or where rating does not answer; where usage_ingest alone does not, `down`
    stands beside it."""

    title: str
    filters: Filters
    found: "Found | None" = None
    down: Down | None = None


@dataclass(frozen=True, slots=True)
class Found:
    """The verdict first, then what it rests on. `data` is the event's own, as lines of JSON."""

    verdict: Cell
    detail: str
    facts: Facts
    contracts: Table
    data: tuple[str, ...]


def filters(asked: Asked, zones: Zones) -> Filters:
    fields = (
        Field("source", "Source", asked.source, hint="As the product sends it.", is_required=True),
        Field("id", "Id", asked.id, is_required=True),
        *hidden(zones.query),
    )
    return Filters("ask", EVENTS, fields, with_query(EVENTS, zones.query))


def found_of(told: Mapping[str, Any], quarantined: Sequence[Mapping[str, Any]], visit: Visit) -> Found:
    """`told`: the answer of rating's `GET /v1/events/explain`; `quarantined`: what usage_ingest keeps of this id."""
    zones = visit.zones
    # a verdict of a newer release is said in its own word
    words, state = VERDICTS.get(told["verdict"], (told["verdict"], "warn"))
    if told["verdict"] == "unknown" and quarantined:
        words, state = QUARANTINED
    stored = told["stored"]
    contracts = tuple(_contract(one, visit) for one in told.get("contracts", ()))
    return Found(
        Cell(words, state=state),
        told["detail"],
        Facts("found", (*_stored(told, visit), *_else(told, quarantined, zones))),
        Table("contracts", "What charges it", CONTRACT_HEADS, contracts, NO_CONTRACT),
        tuple(msgspec.json.format(msgspec.json.encode(stored["data"])).decode().split("\n"))
        if stored
        else (),
    )


def _stored(told: Mapping[str, Any], visit: Visit) -> Iterator[Fact]:
    stored, zones = told["stored"], visit.zones
    if stored is None:
        return
    yield Fact("Type", (Cell.of(stored["type"]),))
    yield Fact("Subject", (Cell.of(stored["subject"]), *_owner(told["customer"], visit)))
    yield Fact("Time", (Cell.at(zones.moment(stored["time"])),))
    yield Fact("Received", (Cell.at(zones.moment(stored["received_at"])),))
    yield Fact("Batch", (Cell.of(f"{stored['partition']}/{stored['batch_id']}, event {stored['seq']}"),))
    for reading in told["meters"]:
        yield Fact(f"Meter {reading['meter']}", (_reading(reading),))
    if told["void"]:
        yield Fact("Voided", (Cell.at(zones.moment(told["void"]["received_at"])),))


def _owner(customer: Mapping[str, Any] | None, visit: Visit) -> Iterator[Cell]:
    if customer is None:
        yield Cell("no customer", state="warn")
    else:
        name = customer["external_id"]
        said = f"{name}, by alias" if customer["by_alias"] else name
        yield Cell.of(said, customer_at(visit, name))


def _reading(reading: Mapping[str, Any]) -> Cell:
    if reading["unreadable"]:
        return Cell("cannot be read", state="bad")
    if reading["item"] is not None:
        return Cell.of(f"item {reading['item']}")
    return Cell(
        f"+{grouped(reading['value'])}" if not reading["value"].startswith("-") else grouped(reading["value"])
    )


def _else(told: Mapping[str, Any], quarantined: Sequence[Mapping[str, Any]], zones: Zones) -> Iterator[Fact]:
    if told["duplicates_total"]:
        last = Cell.at(zones.moment(told["duplicates"][-1]["received_at"]))
        yield Fact("Sent again, and counted once", (Cell.number(str(told["duplicates_total"])), last))
    if told["conflicts_total"]:
        yield Fact(
            "Other bodies under its id, refused", (Cell(grouped(str(told["conflicts_total"])), state="bad"),)
        )
    for holder in told.get("exceptions", ()):
        yield Fact("Held by", (Cell.of(holder["kind"]), Cell.of(holder["detail"]), Cell.of(holder["owner"])))
    for event in quarantined:
        href = address("quarantine", event["quarantine_id"], **zones.query)
        yield Fact("In quarantine", (Cell(event["code"], event["detail"], href), Cell(event["status"])))


def _contract(one: Mapping[str, Any], visit: Visit) -> Row:
    period = one["period"]
    lines = ", ".join(line["key"] for line in one["lines"])
    return Row(
        key_of(one["contract"], period["start"]),
        (
            Cell.of(one["contract"]),
            Cell.number(str(one["version"])),
            Cell(days(period["start"], period["end"])),
            Cell("final" if one["final"] else "open"),
            Cell.of(lines or "none"),
        ),
        contract_at(visit, one["contract"]),
    )
