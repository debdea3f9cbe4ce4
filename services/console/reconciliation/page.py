"""The pages of the checks of the books, as their templates take them."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from services.console.domain.addresses import address, with_query
from services.console.domain.amounts import Amount
from services.console.domain.nouns import contract_at
from services.console.domain.parts import (
    Cell,
    Column,
    Down,
    Empty,
    Fact,
    Facts,
    Form,
    Pager,
    Progress,
    Row,
    Table,
    key_of,
    pager_of,
)
from services.console.domain.roles import Role
from services.console.domain.times import Zones
from services.console.domain.visit import Visit

CHECKS: Final = "/reconciliation"
#: Who may let the books be checked: it reads all of them.
MAY_CHECK: Final[tuple[Role, ...]] = ("finance", "leader")
HEADS: Final = (Column("Asked"), Column("By"), Column("State"), Column("Holds"))
BREAK_HEADS: Final = (
    Column("Break"),
    Column("Where"),
    Column("Expected"),
    Column("Found"),
    Column("What to do"),
    Column("Owner"),
    Column("Stops the invoice of"),
)
NEVER: Final = Empty(
    "The books have not been checked yet.",
    "A check reads every event and every cent; it runs by itself, too.",
)
NO_BREAK: Final = Empty(
    "No break was found.", "Each figure is recomputed by SQL that shares nothing with what made it."
)


@dataclass(frozen=True, slots=True)
class ChecksPage:
    """The checks, newest first. `down` where billing does not answer; the table is there otherwise."""

    title: str
    now: Form | None
    checks: Table | None
    down: Down | None = None


@dataclass(frozen=True, slots=True)
class Equation:
    """One of the five: what it says, whether it holds, and what was counted and compared."""

    says: str
    holds: Cell
    facts: Facts


@dataclass(frozen=True, slots=True)
class CheckPage:
    """One check: how far it is, and what it has found. `breaks` is None until it is done."""

    title: str
    progress: Progress
    steps: Facts
    equations: tuple[Equation, ...]
    breaks: Table | None


def checks_page(answer: Mapping[str, Any], now: Form | None, zones: Zones) -> ChecksPage:
    """`answer`: a page of `GET /v1/reconciliation/checks` of billing."""
    rows = tuple(_row(check, zones) for check in answer["data"])
    here = with_query(CHECKS, zones.query)
    pager = pager_of(answer, here, here)
    return ChecksPage(
        "Do the books hold?",
        now,
        Table("checks", "Checks", HEADS, rows, NEVER, pager, with_query(f"{CHECKS}.csv", zones.query)),
    )


def now_form(visit: Visit, once: str) -> Form | None:
    """For whoever may: it begins within a second, and can be left and found again."""
    return (
        Form("now", with_query(CHECKS, visit.zones.query), "Check now", visit.csrf, once)
        if visit.role in MAY_CHECK
        else None
    )


def _row(check: Mapping[str, Any], zones: Zones) -> Row:
    return Row(
        key_of(check["id"]),
        (
            Cell.at(zones.moment(check["asked_at"])),
            Cell.of(check["by"]),
            Cell(check["state"], check["fault"] or ""),
            _holds(check["holds"]),
        ),
        address("reconciliation", check["id"], **zones.query),
    )


def _holds(holds: bool | None) -> Cell:
    if holds is None:
        return Cell("not known yet")
    return Cell("yes", state="good") if holds else Cell("no", state="bad")


def check_page(check: Mapping[str, Any], visit: Visit) -> CheckPage:
    """`check`: the answer of `GET /v1/reconciliation/checks/{id}` of billing."""
    zones = visit.zones
    steps, done = check["progress"], [step for step in check["progress"] if step["done"]]
    found = check.get("conservation")
    return CheckPage(
        f"Check of {zones.moment(check['asked_at']).text}",
        Progress(
            "progress",
            f"Check {check['state']}",
            str(len(done)),
            str(len(steps)),
            address("reconciliation", check["id"], **zones.query),
            check["state"] == "done",
        ),
        Facts("steps", tuple(_step(step, zones) for step in steps)),
        tuple(_equation(one) for one in found["statements"]) if found else (),
        _breaks(found, visit) if found else None,
    )


def _step(step: Mapping[str, Any], zones: Zones) -> Fact:
    if not step["done"]:
        return Fact(step["k"], (Cell("not made yet"),))
    return Fact(
        step["k"],
        (_holds(step["holds"]), Cell.at(zones.moment(step["taken_at"])), Cell(f"{step['seconds']} s")),
    )


def _equation(one: Mapping[str, Any]) -> Equation:
    facts = (*_figures(one["figures"]), *_amounts(one["amounts"]), Fact("Owner", (Cell.of(one["owner"]),)))
    holds = Cell("holds", state="good") if one["holds"] else Cell("does not hold", state="bad")
    return Equation(f"{one['k']}: {one['says']}", holds, Facts(f"figures-{one['k']}", facts))


def _figures(figures: Mapping[str, int]) -> Iterator[Fact]:
    for name, count in figures.items():
        yield Fact(name.replace("_", " "), (Cell.number(str(count)),))


def _amounts(amounts: Mapping[str, Mapping[str, str]]) -> Iterator[Fact]:
    """Each currency by itself: they are never added."""
    for currency, of in amounts.items():
        for name, number in of.items():
            yield Fact(name.replace("_", " "), (Cell.amount(Amount(currency, number)),))


def _breaks(found: Mapping[str, Any], visit: Visit) -> Table:
    breaks = [one for statement in found["statements"] for one in statement["breaks"]]
    rows = tuple(_break(one, visit) for one in breaks)
    said = f"{found['breaks_listed']} shown of {found['breaks_total']}"
    pager = Pager(said) if found["breaks_total"] > found["breaks_listed"] else None
    return Table("breaks", "Breaks", BREAK_HEADS, rows, NO_BREAK, pager)


def _break(one: Mapping[str, Any], visit: Visit) -> Row:
    where = ", ".join(f"{column} {value}" for column, value in one["key"].items())
    return Row(
        key_of(one["k"], one["fault"], one["table"], where),
        (
            Cell(f"{one['k']} {one['fault'].replace('_', ' ')}", _worth(one["worth"])),
            Cell.of(f"{one['table']}: {where}"),
            Cell.of(one["expected"]),
            Cell.of(one["found"]),
            Cell(one["says"]),
            Cell.of(one["owner"]),
            Cell.of(one["contract"], contract_at(visit, one["contract"]))
            if one["contract"]
            else Cell("nobody, or everybody"),
        ),
    )


def _worth(worth: Sequence[Mapping[str, str]]) -> str:
    return ", ".join(Amount(one["currency"], one["amount"]).shown for one in worth)
