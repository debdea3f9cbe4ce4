"""The pages of a close, as their templates take them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from services.console.close.domain.steps import (
    Looked,
    Step,
    count,
    counted,
    steps_of,
    worths,
)
from services.console.close.domain.steps import State as StepState
from services.console.domain.addresses import address
from services.console.domain.amounts import Amount
from services.console.domain.forms import Tried, shown_as
from services.console.domain.month import Month
from services.console.domain.nouns import customer_at, owner_at
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
    Pager,
    Progress,
    Row,
    State,
    Table,
    hidden,
    key_of,
    pager_of,
)
from services.console.domain.roles import Role
from services.console.domain.times import Zones, days
from services.console.domain.visit import Visit
from services.console.upstream.domain.told import Silent, Told
from shared.values.names import LABEL_CHARACTERS_MAX

CLOSE: Final = "/close"
#: Who closes a month, and who looks on.
READS: Final[tuple[Role, ...]] = ("finance", "leader")
#: Whose word it is that usage may stay in suspense.
ACCEPTS: Final[tuple[Role, ...]] = ("finance",)
STATES: Final[Mapping[StepState, State]] = {
    "done": "good",
    "waits": "warn",
    "blocked": "bad",
    "not known": "bad",
}
HEADS: Final = (Column("Step"), Column("State"), Column("Owner"), Column("Evidence"))
NO_STEP: Final = Empty("A close has steps.", "They are always here.")
STATEMENT_HEADS: Final = (
    Column("Contract"),
    Column("Customer"),
    Column("Period"),
    Column("State"),
    Column("As priced last", is_number=True),
    Column("Waits for"),
)
NO_STATEMENT: Final = Empty(
    "No statement of this month is open.",
    "One appears here for each contract with a period that ends in the month.",
)
TOTAL_HEADS: Final = (
    Column("State"),
    Column("Statements", is_number=True),
    Column("As priced last", is_number=True),
)
NO_TOTAL: Final = Empty(
    "No contract has a period that ends in this month.", "Apply one with u2c contract apply."
)
SUSPENSE_HEADS: Final = (
    Column("Whose"),
    Column("Type"),
    Column("Why"),
    Column("Months (UTC)"),
    Column("Events", is_number=True),
    Column("At list price", is_number=True),
    Column("Owner"),
    Column("Accepted"),
)
NO_SUSPENSE: Final = Empty(
    "Nothing waits in suspense.", "Usage without customer, meter or contract appears here."
)
RESOLVED: Final = Empty("Nothing of it waits any more.", "It was made billable.")


@dataclass(frozen=True, slots=True)
class ClosePage:
    """The steps of a month, and how far its statements are. `progress` and `down`: None and none where all is well."""

    title: str
    filters: Filters
    before: str
    before_text: str
    after: str
    after_text: str
    policy: str
    verdict: Cell
    progress: Progress | None
    steps: Table
    now: Form | None
    down: tuple[Down, ...]


@dataclass(frozen=True, slots=True)
class StatementsPage:
    """What the statements of a month that are not final wait for."""

    title: str
    back: str
    progress: Progress
    barrier: Facts
    totals: Table
    open: Table | None
    down: Down | None


@dataclass(frozen=True, slots=True)
class MonthSuspensePage:
    """Suspense of a month and of those before, and what of it is accepted."""

    title: str
    back: str
    lines: Table | None
    down: Down | None


@dataclass(frozen=True, slots=True)
class AcceptPage:
    """One line of it, and for who may the form that accepts it. `fault`: why it was not accepted, where nothing waits any
    more."""

    title: str
    back: str
    line: Table
    accept: Form | None
    fault: str


def close_page(looked: Looked, month: Month, visit: Visit, now: Form | None) -> ClosePage:
    steps = steps_of(looked, month, visit.zones)
    return ClosePage(
        f"Close {month.name}",
        _filters(month, visit),
        _at(visit, month.before),
        month.before.name,
        _at(visit, month.after),
        month.after.name,
        address("close", "policy", **visit.zones.query),
        _verdict(steps, month),
        None if isinstance(looked.closing, Silent) else _progress(looked.closing.document, month, visit),
        Table("steps", "What a close takes", HEADS, tuple(_step(one, visit) for one in steps), NO_STEP),
        now,
        tuple(_down(looked, visit.here)),
    )


def _filters(month: Month, visit: Visit) -> Filters:
    fields = (Field("month", "Month", month.name, hint="Such as 2013-12."), *hidden(visit.zones.query))
    return Filters("narrow", CLOSE, fields, address("close", **visit.zones.query), "Show", "the last one")


def _at(visit: Visit, month: Month, *parts: str, **asked: str) -> str:
    """A page of this month, in the zone that was chosen."""
    return address("close", *parts, month=month.name, **asked, **visit.zones.query)


def _verdict(steps: tuple[Step, ...], month: Month) -> Cell:
    left = [step for step in steps if step.found.state != "done"]
    if not left:
        return Cell(f"Nothing stands in the way of {month.name}.", state="good")
    is_bad = any(STATES[step.found.state] == "bad" for step in left)
    return Cell(f"{count(len(left), 'step')} of {len(steps)} left.", state="bad" if is_bad else "warn")


def _step(step: Step, visit: Visit) -> Row:
    return Row(
        step.key,
        (
            Cell(step.title),
            Cell(step.found.state, state=STATES[step.found.state]),
            Cell(step.owner, href=owner_at(visit.zones, step.owner)),
            Cell.of(step.found.evidence, characters_max=300),
        ),
        step.href,
    )


def _progress(closing: Mapping[str, Any], month: Month, visit: Visit) -> Progress:
    """It moves as long as a statement is due."""
    statements = counted(closing)
    return Progress(
        "closing",
        statements.said,
        str(statements.final),
        str(statements.all),
        _at(visit, month, "statements"),
        not statements.due,
    )


def _down(looked: Looked, here: str) -> Iterator[Down]:
    """Each service that does not answer, once."""
    told = (looked.closing, looked.quarantine, looked.suspense, looked.checks, looked.drafts, looked.numbers)
    silent = {one.service: one for one in (*told, looked.late) if isinstance(one, Silent)}
    for service, one in silent.items():
        yield one.block(f"What {service} says", here)


def statements_page(
    closing: Mapping[str, Any], found: Told | Silent, month: Month, visit: Visit
) -> StatementsPage:
    """`closing`: the answer of `GET /v1/closing/{month}` of rating; `found`: a page of its statements."""
    return StatementsPage(
        f"Statements of {month.name}",
        _at(visit, month),
        _progress(closing, month, visit),
        Facts("barrier", tuple(_barrier(closing["barrier"], visit.zones))),
        _totals(closing),
        None if isinstance(found, Silent) else _open(found.document, month, visit),
        found.block("Statements that are open", visit.here) if isinstance(found, Silent) else None,
    )


def _barrier(barrier: Mapping[str, Any], zones: Zones) -> Iterator[Fact]:
    for one in barrier["records"]:
        yield Fact(f"Records before {one['service']}", (Cell.number(str(one["records"])),))
    yield Fact("Metered batches not in quantities", (Cell.number(str(barrier["batches"])),))
    yield Fact("Touched usage not in statements", (Cell.number(str(barrier["marks"])),))
    if barrier["since"]:
        yield Fact("The oldest since", (Cell.at(zones.moment(barrier["since"])),))


def _totals(closing: Mapping[str, Any]) -> Table:
    rows = tuple(
        Row(
            key_of(one["state"], one["currency"] or ""),
            (
                Cell(one["state"], state="bad" if one["state"] == "held" else ""),
                Cell.number(str(one["statements"])),
                _priced(one),
            ),
        )
        for one in closing["totals"]
    )
    return Table("totals", "By state and currency", TOTAL_HEADS, rows, NO_TOTAL)


def _priced(one: Mapping[str, Any]) -> Cell:
    if one["subtotal"] is None:
        return Cell("never priced")
    return Cell.amount(Amount(one["currency"], one["subtotal"]))


def _open(found: Mapping[str, Any], month: Month, visit: Visit) -> Table:
    rows = tuple(_open_one(one, visit) for one in found["data"])
    here = _at(visit, month, "statements")
    pager = pager_of(found, here, here)
    return Table("open", "Statements that are not final", STATEMENT_HEADS, rows, NO_STATEMENT, pager)


def _open_one(one: Mapping[str, Any], visit: Visit) -> Row:
    zones, held = visit.zones, one["held"]
    state: State = "bad" if one["state"] == "held" else "warn" if one["state"] == "due" else ""
    return Row(
        key_of(one["contract"], one["start"]),
        (
            Cell.of(one["contract"]),
            Cell.of(one["customer"], customer_at(visit, one["customer"])),
            Cell(days(one["start"], one["end"])),
            Cell(one["state"], state=state),
            _priced(one),
            Cell.of(
                "; ".join(_waits_for(one, zones)),
                address("work", "rating", held["id"], **zones.query) if held else "",
                characters_max=300,
            ),
        ),
        address("invoices", contract=one["contract"], status="draft", **zones.query),
    )


def _waits_for(one: Mapping[str, Any], zones: Zones) -> Iterator[str]:
    if one["held"]:
        yield f"{one['held']['detail']} (owner: {one['held']['owner']})"
    if one["state"] == "open":
        yield f"the end of its grace, {zones.moment(one['close_due_at']).text}"
    if one["older_open"]:
        yield "an earlier period of the contract"
    if one["marks"] is None:
        yield "touched usage, if any of it is theirs: too much waits to be counted"
    elif one["marks"]:
        yield f"{count(one['marks'], 'day')} of touched usage"
    if one["asked"]:
        yield "to be priced anew"


def month_suspense_page(found: Told | Silent, month: Month, visit: Visit) -> MonthSuspensePage:
    """`found`: the answer of `GET /v1/reconciliation/suspense` of billing."""
    back = _at(visit, month)
    title = f"Suspense until {month.name}"
    if isinstance(found, Silent):
        return MonthSuspensePage(title, back, None, found.block("Suspense", visit.here))
    rows = tuple(_line(one, _accepting(one, month, visit), visit.zones) for one in found.document["lines"])
    pager = Pager(f"the first {len(rows)} shown") if found.document["more"] else None
    caption = "What waits, over all months"
    return MonthSuspensePage(
        title, back, Table("lines", caption, SUSPENSE_HEADS, rows, NO_SUSPENSE, pager), None
    )


def _accepting(line: Mapping[str, Any], month: Month, visit: Visit) -> str:
    """Where a line is accepted."""
    whose = line["customer"] or line["subject"] or ""
    return _at(visit, month, "accept", customer=whose, type=line["type"], reason=line["reason"])


def _line(one: Mapping[str, Any], href: str, zones: Zones) -> Row:
    months = one["first_month"]
    if one["last_month"] != months:
        months = f"{months} – {one['last_month']}"
    return Row(
        key_of(one["customer"] or "", one["subject"] or "", one["type"], one["reason"]),
        (
            Cell.of(one["customer"] or one["subject"] or ""),
            Cell.of(one["type"]),
            Cell(one["reason"].replace("_", " ")),
            Cell(months),
            Cell.number(str(one["events"])),
            Cell.of(worths(one["value"]) or "no list price"),
            Cell.of(one["owner"], owner_at(zones, one["owner"])),
            _accepted(one["acceptance"], zones),
        ),
        href,
    )


def _accepted(acceptance: Mapping[str, Any] | None, zones: Zones) -> Cell:
    if acceptance is None:
        return Cell("no", state="warn")
    at = zones.moment(acceptance["at"]).text
    return Cell.of(f"by {acceptance['by']}, {at}: {acceptance['because']}", characters_max=300)


def accept_page(
    line: Mapping[str, Any] | None,
    names: Mapping[str, str],
    month: Month,
    visit: Visit,
    tried: Tried,
    once: str,
) -> AcceptPage:
    """`line`: what waits, None where nothing does; `names`: customer, type and reason; `once`: the form's key."""
    rows = () if line is None else (_line(line, _events(line, visit.zones), visit.zones),)
    form = None
    if line is not None and visit.role in ACCEPTS:
        form = _accept(line, names, month, visit, tried, once)
    return AcceptPage(
        f"Suspense of {names['customer']}",
        _at(visit, month, "suspense"),
        Table("line", "What waits of it", SUSPENSE_HEADS, rows, RESOLVED),
        form,
        "" if form else tried.fault,
    )


def _events(line: Mapping[str, Any], zones: Zones) -> str:
    """Where its events are, and what makes them billable."""
    names = {name: line[name] or "" for name in ("customer", "subject", "type")}
    return address("suspense", "of", **names, month=line["last_month"], **zones.query)


def _accept(
    line: Mapping[str, Any], names: Mapping[str, str], month: Month, visit: Visit, tried: Tried, once: str
) -> Form:
    """It says what was shown, so that nothing is accepted which nobody saw."""
    seen = {"events": line["events"], "value": {one["currency"]: one["amount"] for one in line["value"]}}
    fields = (
        Field(
            "because",
            "Why it may wait",
            tried.text("because"),
            hint="It stands in the audit, beside your name, and falls when more waits.",
            is_required=True,
            letters_max=str(LABEL_CHARACTERS_MAX),
        ),
        Field("seen", "", shown_as(seen), "hidden"),
    )
    action = _at(visit, month, "accept", **names)
    return Form("accept", action, "Accept it", visit.csrf, once, fields, is_grave=True, fault=tried.fault)
