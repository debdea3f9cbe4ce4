"""The pages of the quarantine, as their templates take them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from services.console.domain.addresses import address, with_query
from services.console.domain.forms import Tried
from services.console.domain.nouns import event_at
from services.console.domain.parts import (
    Cell,
    Column,
    Down,
    Empty,
    Fact,
    Facts,
    Field,
    Filters,
    Form,
    Option,
    Row,
    Table,
    hidden,
    key_of,
    pager_of,
)
from services.console.domain.roles import Role
from services.console.domain.times import Zones
from services.console.domain.visit import Visit

QUARANTINE: Final = "/quarantine"
#: Who may say what becomes of it.
MENDS: Final[tuple[Role, ...]] = ("engineer",)
Act = Literal["replay", "repair", "discard"]
Status = Literal["open", "replayed", "repaired", "discarded"]
REASON_CHARACTERS_MAX: Final = 1000
#: Of a state: asked for, since without it the open ones are meant.
ANY: Final = "any"
HEADS: Final = (
    Column("Event"),
    Column("Source"),
    Column("Type"),
    Column("Subject"),
    Column("What is wrong"),
    Column("Received"),
    Column("State"),
)
NOTHING: Final = Empty(
    "Nothing is here. An event that cannot be taken is kept with its bytes and the reason, and never stops its neighbours.",
    "POST /v1/events with an event without time shows one.",
)


@dataclass(frozen=True, slots=True)
class Asked:
    """How the list is narrowed; "" does not restrict, and no state of theirs either."""

    status: str = "open"
    code: str = ""
    source: str = ""
    cursor: str = ""

    @property
    def query(self) -> dict[str, str]:
        """As an address says it."""
        return {"status": self.status, "code": self.code, "source": self.source}

    @property
    def narrowed(self) -> dict[str, str]:
        """As usage_ingest is asked."""
        return {name: value for name, value in self.query.items() if value and value != ANY}


@dataclass(frozen=True, slots=True)
class QuarantinePage:
    """`down` where usage_ingest does not answer; the table is there otherwise."""

    title: str
    filters: Filters
    events: Table | None
    down: Down | None = None


@dataclass(frozen=True, slots=True)
class QuarantinedPage:
    """One event: what it is, its bytes as they came and as they are counted, by line, and what may be done about it."""

    title: str
    facts: Facts
    raw: tuple[str, ...]
    repaired: tuple[str, ...]
    forms: tuple[Form, ...]


def quarantine_page(
    asked: Asked, answer: Mapping[str, Any] | None, down: Down | None, zones: Zones
) -> QuarantinePage:
    """`answer`: a page of `GET /v1/quarantine`; None where there is none."""
    table = None if answer is None else _table(asked, answer, zones)
    return QuarantinePage("Quarantine", _filters(asked, zones), table, down)


def _filters(asked: Asked, zones: Zones) -> Filters:
    states = ("open", "replayed", "repaired", "discarded")
    fields = (
        Field(
            "status",
            "State",
            asked.status,
            "choice",
            (*(Option(one, one) for one in states), Option(ANY, ANY)),
        ),
        Field("code", "Code", asked.code, hint="Such as time_missing."),
        Field("source", "Source", asked.source),
        *hidden(zones.query),
    )
    return Filters("narrow", QUARANTINE, fields, with_query(QUARANTINE, zones.query))


def _table(asked: Asked, answer: Mapping[str, Any], zones: Zones) -> Table:
    rows = tuple(_row(event, zones) for event in answer["data"])
    same = {**asked.query, **zones.query}
    here = with_query(QUARANTINE, same)
    return Table(
        "quarantine",
        "Events that could not be taken",
        HEADS,
        rows,
        NOTHING,
        pager_of(answer, here, here),
        with_query(f"{QUARANTINE}.csv", same),
    )


def _row(event: Mapping[str, Any], zones: Zones) -> Row:
    return Row(
        key_of(event["quarantine_id"]),
        (
            Cell.of(event["id"] or "without id"),
            Cell.of(event["source"]),
            Cell.of(event["type"]),
            Cell.of(event["subject"]),
            Cell(event["code"], event["detail"]),
            Cell.at(zones.moment(event["received_at"])),
            Cell(event["status"]),
        ),
        address("quarantine", event["quarantine_id"], **zones.query),
    )


def quarantined_page(
    event: Mapping[str, Any], visit: Visit, once: tuple[str, str, str], tried: Tried
) -> QuarantinedPage:
    """`event`: the answer of `GET /v1/quarantine/{id}`; `once`: an idempotency key for each form."""
    zones = visit.zones
    facts = (
        Fact("What is wrong", (Cell(event["code"], state="bad"), Cell(event["detail"]))),
        Fact("Event", _event(event, visit)),
        Fact("Source", (Cell.of(event["source"]),)),
        Fact("Received", (Cell.at(zones.moment(event["received_at"])),)),
        Fact("Sent by key", (Cell.of(event["key_id"]),)),
        Fact("State", _state(event, zones)),
    )
    may = visit.role in MENDS and event["status"] == "open"
    return QuarantinedPage(
        f"Event {event['id'] or 'without id'}, which could not be taken",
        Facts("event", facts),
        _bytes(event, "raw"),
        _bytes(event, "repaired"),
        _forms(event, visit, once, tried) if may else (),
    )


def _event(event: Mapping[str, Any], visit: Visit) -> tuple[Cell, ...]:
    """Its id leads to what became of it, where both parts of its name are known."""
    if not event["id"]:
        return (Cell("without id"),)
    href = event_at(visit, event["source"], event["id"]) if event["source"] else ""
    return (Cell.of(event["id"], href),)


def _state(event: Mapping[str, Any], zones: Zones) -> tuple[Cell, ...]:
    if event["resolved_at"] is None:
        return (Cell(event["status"]),)
    by = Cell.of(f"by {event['resolved_by']}")
    reason = (Cell.of(event["resolution"]),) if event["resolution"] else ()
    return (Cell(event["status"]), Cell.at(zones.moment(event["resolved_at"])), by, *reason)


def _bytes(event: Mapping[str, Any], which: str) -> tuple[str, ...]:
    """Them as lines of text; what is no UTF-8 in base64, and said to be."""
    if event[which] is not None or event[f"{which}_base64"] is None:
        return tuple(event[which].split("\n")) if event[which] else ()
    return ("no UTF-8; in base64:", event[f"{which}_base64"])


def _forms(
    event: Mapping[str, Any], visit: Visit, once: tuple[str, str, str], tried: Tried
) -> tuple[Form, ...]:
    def form(act: Act, button: str, key: str, *fields: Field) -> Form:
        action = address("quarantine", event["quarantine_id"], act, **visit.zones.query)
        fault, is_grave = tried.at(act).fault, act == "discard"
        return Form(act, action, button, visit.csrf, key, fields, is_grave, fault)

    return (
        form(
            "repair",
            "Count it so",
            once[0],
            Field(
                "event",
                "The event as it should have been",
                tried.text("event", event["raw"] or ""),
                "area",
                hint="The bytes that came are kept.",
                is_required=True,
            ),
        ),
        form("replay", "Judge it again with today's catalogue", once[1]),
        form(
            "discard",
            "Discard it",
            once[2],
            Field(
                "reason",
                "Why it is not counted",
                tried.text("reason"),
                is_required=True,
                letters_max=str(REASON_CHARACTERS_MAX),
            ),
        ),
    )
