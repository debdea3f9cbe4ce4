"""The pages of late usage, as their templates take them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from services.console.domain.addresses import address, with_query
from services.console.domain.amounts import Amount
from services.console.domain.forms import shown_as
from services.console.domain.nouns import contract_at
from services.console.domain.parts import (
    Cell,
    Column,
    Down,
    Empty,
    Fact,
    Facts,
    Field,
    Form,
    Option,
    Row,
    Table,
    key_of,
    pager_of,
)
from services.console.domain.roles import Role
from services.console.domain.times import Zones, days
from services.console.domain.visit import Visit
from shared.values.names import LABEL_CHARACTERS_MAX

LATE: Final = "/late"
HEADS: Final = (
    Column("Contract"),
    Column("Period"),
    Column("Events", is_number=True),
    Column("As it would be billed", is_number=True),
    Column("Accepted until"),
)
EMPTY: Final = Empty(
    "Nothing waits. Usage and voids of invoiced periods appear here once they come later than their contract accepts.",
    "What comes sooner is corrected by itself, at the contract's next close.",
)


#: Whose word it is whether late usage is billed or waived.
DECIDES: Final[tuple[Role, ...]] = ("finance",)
DECISIONS: Final = (
    Option("bill", "bill it with the next correction"),
    Option("waive", "waive it for good"),
)


@dataclass(frozen=True, slots=True)
class Typed:
    """A form that had no effect: what was typed, and why."""

    decision: str = ""
    reason: str = ""
    fault: str = ""


NOTHING_TYPED: Final = Typed()


@dataclass(frozen=True, slots=True)
class LatePage:
    """`down` where rating does not answer; the table is there otherwise."""

    title: str
    held: Table | None
    down: Down | None = None


@dataclass(frozen=True, slots=True)
class HeldPage:
    """What is held of one period, and for who may decide about it the form."""

    title: str
    facts: Facts
    lines: Table
    decide: Form | None


def late_page(answer: Mapping[str, Any], zones: Zones) -> LatePage:
    """`answer`: a page of `GET /v1/late-usage` of rating."""
    rows = tuple(_row(held, zones) for held in answer["data"])
    return LatePage(
        "Late usage",
        Table(
            "late",
            "Late usage that waits for a decision",
            HEADS,
            rows,
            EMPTY,
            pager_of(answer, with_query(LATE, zones.query)),
            with_query(f"{LATE}.csv", zones.query),
        ),
    )


def _row(held: Mapping[str, Any], zones: Zones) -> Row:
    contract, start = held["contract"], held["period"]["start"]
    return Row(
        key_of(contract, start),
        (
            Cell.of(contract),
            Cell(days(start, held["period"]["end"])),
            Cell.number(str(held["events"])),
            _amount(held),
            Cell.at(zones.moment(held["accepted_until"])),
        ),
        address("late", contract, start, **zones.query),
    )


def _amount(held: Mapping[str, Any]) -> Cell:
    if held["amount"] is None:
        return Cell("cannot be priced", held["fault"] or "", state="bad")
    return Cell.amount(Amount(held["currency"], held["amount"]))


def held_page(held: Mapping[str, Any], visit: Visit, once: str, typed: Typed = NOTHING_TYPED) -> HeldPage:
    """`held`: one of them; `once`: the form's idempotency key."""
    zones = visit.zones
    contract, period = held["contract"], days(held["period"]["start"], held["period"]["end"])
    facts = (
        Fact("Contract", (Cell.of(contract, contract_at(visit, contract)),)),
        Fact("Period", (Cell(period),)),
        Fact("Events that came, and voids", (Cell.number(str(held["events"])),)),
        Fact("As it would be billed", (_amount(held),)),
        Fact("Accepted until", (Cell.at(zones.moment(held["accepted_until"])),)),
    )
    return HeldPage(
        f"Late usage of {contract}, {period}",
        Facts("held", facts),
        Table(
            "lines",
            "By how much each line would change",
            (Column("Line"), Column("Quantity", is_number=True), Column("Amount", is_number=True)),
            tuple(_line(line, held["currency"]) for line in held["lines"]),
            Empty("No line would change.", "What came takes back what else came."),
        ),
        _decide(held, visit, once, typed) if visit.role in DECIDES else None,
    )


def _line(line: Mapping[str, Any], currency: str) -> Row:
    amount = Amount(currency, line["amount"])
    return Row(
        key_of(line["key"]), (Cell.of(line["key"]), Cell.number(line["quantity"]), Cell.amount(amount))
    )


def _decide(held: Mapping[str, Any], visit: Visit, once: str, typed: Typed) -> Form:
    """It names the watermark that was shown, so that nothing is decided which nobody saw."""
    fields = (
        Field("decision", "Decision", typed.decision, "choice", DECISIONS, is_required=True),
        Field(
            "reason",
            "Reason",
            typed.reason,
            hint="It stands in the audit, beside your name.",
            is_required=True,
            letters_max=str(LABEL_CHARACTERS_MAX),
        ),
        Field("up_to", "", shown_as(held["watermark"]), "hidden"),
    )
    action = address("late", held["contract"], held["period"]["start"], **visit.zones.query)
    return Form("decide", action, "Decide", visit.csrf, once, fields, is_grave=True, fault=typed.fault)
