"""The page of what waits, as its template takes it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from services.console.domain.addresses import address, with_query
from services.console.domain.amounts import Amount, grouped, size_of
from services.console.domain.charts.drawing import Drawn, Heading
from services.console.domain.charts.waterfall import Step, waterfall
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
from services.console.domain.times import Zones, day_of
from services.console.upstream.domain.told import Service, Silent, Told
from services.console.waiting.domain.words import REASONS, STEPS, page_of_step, page_of_waiting, place_of

WAITING: Final = "/"
BOOKS: Final = "/reconciliation"
QUARANTINE: Final = "/quarantine"
#: Whose first page it is.
READERS: Final[tuple[Role, ...]] = ("leader",)
AT_RISK_SHOWN: Final = 5
AT_RISK: Final = with_query("/customers", {"at_risk": "true", "sort": "renewal"})
PILE: Final = (Column("Where"), Column("Why"), Column("Whose it is"))
OLDEST: Final = Column("Oldest is of")
OWNERS: Final = (
    Column("Whose it is"),
    Column("Waits", is_number=True),
    Column("Events", is_number=True),
    OLDEST,
)
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
NEVER: Final = Empty(
    "What waits appears here once the books have been checked: by itself every ten minutes, or",
    "at once:",
    BOOKS,
    "check now",
)
NO_EVENT: Final = Empty(
    "No event waits.",
    "Usage without customer, meter or contract appears here, and what came too late or cannot be priced.",
)
NO_MONEY: Final = Empty("Nothing waits in this currency.", "What is settled is invoiced.")
NOBODY: Final = Empty("Nothing waits for anybody.", "Who makes it billable is named here.")
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
class CurrencyShown:
    """What waits in one currency, and the way from what is stored to what is invoiced."""

    key: str
    currency: str
    chart: Drawn
    steps: Facts
    waiting: Table


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
        None if standing is None else _standing(standing, zones),
        () if standing is None else tuple(_currency(one, standing) for one in standing["waterfalls"]),
        None if standing is None else _events(standing),
        None if standing is None or standing["day"] is None else _owners(standing),
        _door(found.quarantine.document, zones) if isinstance(found.quarantine, Told) else None,
        _stakes(found.stakes.document) if isinstance(found.stakes, Told) else None,
        _at_risk(found.at_risk.document) if isinstance(found.at_risk, Told) else None,
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


def _standing(standing: Mapping[str, Any], zones: Zones) -> Facts | None:
    if standing["day"] is None:
        return None
    total = tuple(Cell.amount(_amount(one)) for one in standing["total"]["value"])
    compared = Cell("no earlier day is kept") if standing["since"] is None else _day(standing["since"])
    return Facts(
        "standing",
        (
            Fact("Waits in all", total or (Cell("nothing"),)),
            Fact("As the books were checked", (Cell.at(zones.moment(standing["taken_at"]), BOOKS),)),
            Fact("Business day", (_day(standing["day"]),)),
            Fact("Compared with", (compared,)),
        ),
    )


def _currency(one: Mapping[str, Any], standing: Mapping[str, Any]) -> CurrencyShown:
    code, key = one["currency"], key_of(one["currency"])
    heading = Heading(f"way-{key}", f"{code}: from what is stored to what is invoiced", "step", code)
    steps = [
        Step(
            STEPS.get(step["step"], step["step"]),
            size_of(step["amount"]),
            grouped(step["amount"]),
            step["is_total"],
        )
        for step in one["steps"]
    ]
    return CurrencyShown(
        f"of-{key}",
        code,
        waterfall(heading, steps),
        Facts(f"steps-{key}", tuple(_step(step, code) for step in one["steps"])),
        _waits_in(code, standing),
    )


def _step(step: Mapping[str, Any], code: str) -> Fact:
    """A step as a link to the page of its parts."""
    amount = Cell.amount(Amount(code, step["amount"]), page_of_step(step["step"], code))
    return Fact(STEPS.get(step["step"], step["step"]), (amount,))


def _waits_in(code: str, standing: Mapping[str, Any]) -> Table:
    """What waits in the currency, and what did on the day before; each with how it has changed."""
    changed = _changes(standing)
    rows = []
    for pile, waits in _piles(standing).items():
        now, more = _in(code, waits["value"]), _in(code, changed.get(pile, {"value": []})["value"])
        if now is None and more is None:
            continue
        listed = page_of_waiting(pile[0], pile[1], code)
        cells = (
            *_place(pile),
            Cell("nothing") if now is None else Cell.amount(Amount(code, now), listed),
            *_more(standing, None if more is None else Cell.amount(Amount(code, more))),
            _oldest(waits),
        )
        rows.append(Row(key_of(code, *pile), cells))
    heads = (*PILE, Column("Waits", is_number=True), *_more_head(standing), OLDEST)
    return Table(f"waits-{key_of(code)}", f"What waits in {code}", heads, tuple(rows), NO_MONEY)


def _events(standing: Mapping[str, Any]) -> Table:
    """The same in events, which have no currency."""
    changed = _changes(standing)
    rows = []
    for pile, waits in _piles(standing).items():
        more = changed.get(pile, {"events": 0})["events"]
        if not waits["events"] and not more:
            continue
        cells = (
            *_place(pile),
            Cell.number(str(waits["events"]), page_of_waiting(pile[0], pile[1], "")),
            Cell.number(str(waits["unvalued"])),
            *_more(standing, Cell.number(str(more)) if more else None),
            _oldest(waits),
        )
        rows.append(Row(key_of(*pile), cells))
    numbers = (Column("Events", is_number=True), Column("Without a list price", is_number=True))
    heads = (*PILE, *numbers, *_more_head(standing), OLDEST)
    empty = NEVER if standing["day"] is None else NO_EVENT
    return Table("events", "Events that wait", heads, tuple(rows), empty)


def _piles(standing: Mapping[str, Any]) -> dict[tuple[str, str, str], Mapping[str, Any]]:
    """What waits, and what no longer does: by place, reason and owner."""
    now = {_pile(one): one for one in standing["waiting"]}
    gone = {_pile(one): {**one["after"], "oldest": None} for one in standing["changes"]}
    return {**now, **{pile: one for pile, one in gone.items() if pile not in now}}


def _changes(standing: Mapping[str, Any]) -> dict[tuple[str, str, str], Mapping[str, Any]]:
    return {_pile(one): one["more"] for one in standing["changes"]}


def _pile(one: Mapping[str, Any]) -> tuple[str, str, str]:
    return one["place"], one["reason"], one["owner"]


def _place(pile: tuple[str, str, str]) -> tuple[Cell, Cell, Cell]:
    place, reason, owner = pile
    return Cell.of(place_of(place)), Cell.of(REASONS.get(reason, reason)), Cell.of(owner)


def _more_head(standing: Mapping[str, Any]) -> tuple[Column, ...]:
    since = standing["since"]
    return () if since is None else (Column(f"More than on {_day(since).text}", is_number=True),)


def _more(standing: Mapping[str, Any], more: Cell | None) -> tuple[Cell, ...]:
    return () if standing["since"] is None else (more or Cell("="),)


def _in(code: str, value: Sequence[Mapping[str, str]]) -> str | None:
    """What of it is in the currency, as it was said."""
    return next((one["amount"] for one in value if one["currency"] == code), None)


def _oldest(waits: Mapping[str, Any]) -> Cell:
    return Cell("") if waits["oldest"] is None else _day(waits["oldest"])


def _day(day: str) -> Cell:
    return Cell(day_of(date.fromisoformat(day)))


def _amount(one: Mapping[str, str]) -> Amount:
    return Amount(one["currency"], one["amount"])


def _each(value: Sequence[Mapping[str, str]]) -> Cell:
    """Each currency by itself: they are never added."""
    return Cell(", ".join(_amount(one).shown for one in value))


def _owners(standing: Mapping[str, Any]) -> Table:
    rows = tuple(
        Row(
            key_of(one["owner"]),
            (Cell.of(one["owner"]), _each(one["value"]), Cell.number(str(one["events"])), _oldest(one)),
        )
        for one in standing["owners"]
    )
    return Table("owners", "For whom it waits", OWNERS, rows, NOBODY)


def _door(summary: Mapping[str, Any], zones: Zones) -> Table:
    """`summary`: the answer of `GET /v1/quarantine/summary` of usage_ingest, by code."""
    rows = tuple(
        Row(
            key_of(group["code"]),
            (
                Cell.of(group["code"]),
                Cell.of(summary["owner"]),
                Cell.number(
                    str(group["events"]), with_query(QUARANTINE, {"status": "open", "code": group["code"]})
                ),
                Cell.at(zones.moment(group["oldest"])),
            ),
        )
        for group in summary["groups"]
    )
    pager = Pager(f"{grouped(str(summary['events']))} in all") if rows else None
    return Table("door", "At the door: what could not be taken", DOOR, rows, NOTHING_AT_THE_DOOR, pager)


def _stakes(totals: Mapping[str, Any]) -> Facts:
    """`totals`: the answer of `GET /v1/customers/totals` of signals, of those at risk."""
    stakes = tuple(Cell.amount(_amount(one), AT_RISK) for one in totals["at_stake"])
    return Facts(
        "stakes",
        (
            Fact("Customers at risk", (Cell.number(str(totals["customers"]), AT_RISK),)),
            Fact("Settled with them in twelve months", stakes or (Cell("nothing"),)),
            Fact("Whose it is", (Cell.of(totals["owner"]),)),
        ),
    )


def _at_risk(answer: Mapping[str, Any]) -> Table:
    """`answer`: a page of `GET /v1/customers` of signals, of those at risk, the next renewal first."""
    rows = tuple(
        Row(
            key_of(one["customer"]),
            (
                Cell.of(f"{one['customer']} · {one['name']}"),
                Cell("") if one["renews_on"] is None else _day(one["renews_on"]),
                Cell.of(
                    "; ".join(f"{reason['says']}: {reason['number']}" for reason in one["reasons"] or ())
                ),
                _each(one["at_stake"] or ()),
            ),
            address("customers", one["customer"]),
        )
        for one in answer["data"]
    )
    pager = Pager(f"{len(rows)} shown, more follow", next=AT_RISK) if answer["has_more"] else None
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
            Cell.of(count["owner"]),
            Cell.number(str(count["open"])),
            Cell(overdue, state="bad" if count["overdue"] else "", is_number=True),
            Cell.at(zones.moment(count["oldest_at"])),
            Cell.at(zones.moment(count["deadline_at"])),
            _each(count["price"]),
        ),
        BOOKS if count["kind"].startswith("conservation_") else "",
    )
