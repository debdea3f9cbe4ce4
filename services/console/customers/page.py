"""The pages of customers, as their templates take them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from services.console.domain.addresses import address, with_query
from services.console.domain.amounts import Amount
from services.console.domain.forms import Tried
from services.console.domain.nouns import contract_at
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
    Pager,
    Row,
    Table,
    hidden,
    key_of,
    pager_of,
)
from services.console.domain.roles import Role
from services.console.domain.times import Zones, day_in, day_of
from services.console.domain.visit import Visit

CUSTOMERS: Final = "/customers"
#: Who looks after customers.
LOOKS_AFTER: Final[tuple[Role, ...]] = ("customer-success",)
Act = Literal["acknowledge", "snooze", "note"]
HEADS: Final = (
    Column("Customer"),
    Column("Risk", is_number=True),
    Column("Why"),
    Column("Trend"),
    Column("Last seen"),
    Column("Renews"),
    Column("Settled in a year", is_number=True),
)
NOBODY: Final = Empty(
    "No customer is evaluated yet.",
    "Each is once a day of its own has passed after its contract was applied.",
)
SIGNAL_HEADS: Final = (
    Column("Told"),
    Column("What"),
    Column("Contract"),
    Column("State"),
    Column("Looked after by"),
)
NO_SIGNAL: Final = Empty(
    "Nothing was told of it.", "Signals appear when something becomes true of a customer."
)
SORTS: Final = (
    Option("stake", "what is most likely lost"),
    Option("risk", "risk"),
    Option("renewal", "renewal"),
    Option("customer", "id"),
)
VALUE_HEADS: Final = (Column("Value"), Column("Is", is_number=True), Column("Unit"), Column("Means"))
NO_VALUE: Final = Empty("It has not been evaluated yet.", "It is once a day of its own has passed.")
REASON_HEADS: Final = (
    Column("Reason"),
    Column("Number", is_number=True),
    Column("Threshold", is_number=True),
    Column("Points", is_number=True),
)
NO_REASON: Final = Empty("Nothing speaks for a risk.", "Reasons appear here with their number and threshold.")
NOTE_CHARACTERS_MAX: Final = 4000


@dataclass(frozen=True, slots=True)
class Asked:
    """How the roster is sorted and narrowed; "" does not restrict."""

    sort: Literal["customer", "risk", "renewal", "stake"] = "risk"
    at_risk: Literal["", "true", "false"] = ""
    q: str = ""
    cursor: str = ""

    @property
    def query(self) -> dict[str, str]:
        return {"sort": self.sort, "at_risk": self.at_risk, "q": self.q}

    @property
    def narrowed(self) -> dict[str, str]:
        return {name: value for name, value in self.query.items() if value}


@dataclass(frozen=True, slots=True)
class CustomersPage:
    """`down` where signals does not answer; the table is there otherwise."""

    title: str
    filters: Filters
    customers: Table | None
    down: Down | None = None


@dataclass(frozen=True, slots=True)
class CustomerPage:
    """One customer: why it is at risk, each value with what it means, what was told."""

    title: str
    facts: Facts
    reasons: Table
    values: Table
    told: Table | None
    down: Down | None


@dataclass(frozen=True, slots=True)
class SignalPage:
    """One signal: what was told, who looks after it, and what may be done."""

    title: str
    facts: Facts
    data: tuple[str, ...]
    notes: Table
    forms: tuple[Form, ...]


def customers_page(
    asked: Asked, answer: Mapping[str, Any] | None, down: Down | None, zones: Zones
) -> CustomersPage:
    """`answer`: a page of `GET /v1/customers` of signals; None where there is none."""
    roster = None if answer is None else _roster(asked, answer, zones)
    return CustomersPage("Customers", _filters(asked, zones), roster, down)


def _filters(asked: Asked, zones: Zones) -> Filters:
    risk = (Option("", "all"), Option("true", "at risk"), Option("false", "not at risk"))
    fields = (
        Field("q", "Customer", asked.q, hint="How its id begins."),
        Field("at_risk", "Risk", asked.at_risk, "choice", risk),
        Field("sort", "First", asked.sort, "choice", SORTS),
        *hidden(zones.query),
    )
    return Filters("narrow", CUSTOMERS, fields, with_query(CUSTOMERS, zones.query))


def _roster(asked: Asked, answer: Mapping[str, Any], zones: Zones) -> Table:
    rows = tuple(_standing(one, zones) for one in answer["data"])
    same = {**asked.query, **zones.query}
    here = with_query(CUSTOMERS, same)
    pager = pager_of(answer, here, here)
    csv = with_query(f"{CUSTOMERS}.csv", same)
    return Table("customers", "Who is to be looked after first", HEADS, rows, NOBODY, pager, csv)


def _standing(one: Mapping[str, Any], zones: Zones) -> Row:
    return Row(
        key_of(one["customer"]),
        (
            Cell.of(f"{one['customer']} · {one['name']}"),
            _risk(one),
            Cell.of("; ".join(_reason_in_words(reason) for reason in one["reasons"] or ())),
            _trend(one),
            _day(one["last_seen_on"]),
            _day(one["renews_on"]),
            Cell.of(_stakes(one["at_stake"])),
        ),
        address("customers", one["customer"], **zones.query),
    )


def _risk(one: Mapping[str, Any]) -> Cell:
    if one["risk_score"] is None:
        return Cell("not evaluated")
    return Cell(
        str(one["risk_score"]), "at risk" if one["at_risk"] else "", state="bad" if one["at_risk"] else ""
    )


def _reason_in_words(reason: Mapping[str, Any]) -> str:
    return f"{reason['says']}: {reason['number']} (from {reason['threshold']})"


def _trend(one: Mapping[str, Any]) -> Cell:
    """Silence goes before the trend, and chance is called so."""
    if one["silent_since"]:
        return Cell(f"silent since {day_of(day_in(one['silent_since']))}", state="bad")
    if one["trend"] is None:
        return Cell("not known")
    return Cell(f"{one['trend']}, within chance" if one["trend_within_chance"] else one["trend"])


def _day(day: str | None) -> Cell:
    return Cell(day_of(day_in(day)) if day else "")


def _stakes(worth: Sequence[Mapping[str, str]] | None) -> str:
    """Each currency by itself: they are never added."""
    return ", ".join(Amount(one["currency"], one["amount"]).shown for one in worth or ())


def customer_page(
    told: Mapping[str, Any], signals: Mapping[str, Any] | None, down: Down | None, visit: Visit
) -> CustomerPage:
    """`told`: the answer of `GET /v1/customers/{id}/signals`; `signals`: a page of `GET /v1/signals`."""
    zones = visit.zones
    risk = (told["evaluated"] or {}).get("risk")
    documents = address("invoices", customer=told["customer"], **zones.query)
    facts = (
        Fact("Name", (Cell.of(told["name"]),)),
        Fact("As of", (Cell.at(zones.moment(told["at"])),)),
        Fact("Risk", (_score(risk),)),
        Fact("Documents", (Cell("invoices and drafts", href=documents),)),
    )
    reasons = tuple(_reason(reason) for reason in (risk or {}).get("reasons", ()))
    values = tuple(_value(number, value) for number, value in enumerate(told["values"]))
    return CustomerPage(
        f"Customer {told['customer']}",
        Facts("customer", facts),
        Table("reasons", "Why", REASON_HEADS, reasons, NO_REASON),
        Table("values", "What is known of it", VALUE_HEADS, values, NO_VALUE),
        None if signals is None else _signals(signals, visit),
        down,
    )


def _score(risk: Mapping[str, Any] | None) -> Cell:
    if risk is None:
        return Cell("not evaluated")
    return Cell(f"{risk['score']}, at risk", state="bad") if risk["at_risk"] else Cell(str(risk["score"]))


def _reason(reason: Mapping[str, Any]) -> Row:
    numbers = (reason["number"], reason["threshold"], str(reason["points"]))
    return Row(
        key_of(reason["reason"]), (Cell.of(reason["says"]), *(Cell.number(number) for number in numbers))
    )


def _value(number: int, value: Mapping[str, Any]) -> Row:
    of = next((str(value[name]) for name in ("meter", "contract", "line") if value.get(name)), "")
    name = value["name"].replace("_", " ")
    shown = value.get("value")
    return Row(
        f"{number}",
        (
            Cell.of(f"{name} of {of}" if of else name),
            Cell.of(str(shown) if isinstance(shown, str | int) else ""),
            Cell(value["unit"]),
            Cell(value["definition"]),
        ),
    )


def _signals(answer: Mapping[str, Any], visit: Visit) -> Table:
    zones = visit.zones
    rows = tuple(
        Row(
            key_of(signal["id"]),
            (
                Cell.at(zones.moment(signal["occurred_at"])),
                Cell(signal["type"]),
                _contract(signal["contract"], visit),
                Cell(signal["state"]),
                Cell.of(signal["assignee"] or signal["acknowledged_by"] or "nobody"),
            ),
            address("signals", signal["id"], **zones.query),
        )
        for signal in answer["data"]
    )
    pager = Pager(f"the newest {len(rows)} shown") if answer["has_more"] else None
    return Table("signals", "What was told", SIGNAL_HEADS, rows, NO_SIGNAL, pager)


def _contract(contract: str | None, visit: Visit) -> Cell:
    return Cell.of(contract, contract_at(visit, contract)) if contract else Cell("")


def signal_page(
    signal: Mapping[str, Any], data: tuple[str, ...], visit: Visit, once: tuple[str, str, str], tried: Tried
) -> SignalPage:
    """`signal`: the answer of `GET /v1/signals/{id}`; `data`: what was told, as lines of JSON; `once`: a key for each form."""
    zones = visit.zones
    facts = (
        Fact(
            "Customer",
            (Cell.of(signal["customer"], address("customers", signal["customer"], **zones.query)),),
        ),
        Fact("Told", (Cell.at(zones.moment(signal["occurred_at"])),)),
        Fact("State", (Cell(signal["state"]), *_snoozed(signal, zones))),
        Fact("Looked after by", (Cell.of(signal["assignee"] or signal["acknowledged_by"] or "nobody"),)),
        Fact("Outcome", (Cell(signal["outcome"] or "not known yet"),)),
    )
    heads = (Column("Written"), Column("By"), Column("Note"))
    notes = tuple(_note(number, note, zones) for number, note in enumerate(signal["notes"]))
    empty = Empty("Nobody has written anything down.", "A note is seen by whoever opens the signal.")
    return SignalPage(
        f"{signal['type']} of {signal['customer']}",
        Facts("signal", facts),
        data,
        Table("notes", "Notes", heads, notes, empty),
        _forms(signal, visit, once, tried) if visit.role in LOOKS_AFTER else (),
    )


def _snoozed(signal: Mapping[str, Any], zones: Zones) -> tuple[Cell, ...]:
    return (Cell.at(zones.moment(signal["snoozed_until"])),) if signal["snoozed_until"] else ()


def _note(number: int, note: Mapping[str, Any], zones: Zones) -> Row:
    return Row(
        f"{number}",
        (
            Cell.at(zones.moment(note["at"])),
            Cell.of(note["by"]),
            Cell.of(note["text"], characters_max=NOTE_CHARACTERS_MAX),
        ),
    )


def _forms(
    signal: Mapping[str, Any], visit: Visit, once: tuple[str, str, str], tried: Tried
) -> tuple[Form, ...]:
    def form(act: Act, button: str, key: str, *fields: Field) -> Form:
        action = address("signals", signal["id"], act, **visit.zones.query)
        return Form(act, action, button, visit.csrf, key, fields, fault=tried.at(act).fault)

    until = Field(
        "until",
        "Not before",
        tried.text("until"),
        hint="Business time, such as 2026-11-09T09:00:00Z.",
        is_required=True,
    )
    text = Field(
        "text",
        "Note",
        tried.text("text"),
        "area",
        is_required=True,
        letters_max=str(NOTE_CHARACTERS_MAX),
    )
    return (
        form("acknowledge", "I look after it", once[0]),
        form("snooze", "Snooze", once[1], until),
        form("note", "Write it down", once[2], text),
    )
