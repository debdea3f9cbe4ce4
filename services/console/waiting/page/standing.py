"""What billing says of what waits: in all, by currency, in events, and by owner."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from services.console.domain.addresses import with_query
from services.console.domain.amounts import Amount, grouped, size_of
from services.console.domain.charts.drawing import Drawn, Heading
from services.console.domain.charts.waterfall import Step, waterfall
from services.console.domain.nouns import owner_at
from services.console.domain.parts import Cell, Column, Empty, Fact, Facts, Row, Table, key_of
from services.console.domain.times import Zones, day_in, day_of
from services.console.waiting.domain.words import REASONS, STEPS, page_of_step, page_of_waiting, place_of

BOOKS: Final = "/reconciliation"
PILE: Final = (Column("Where"), Column("Why"), Column("Whose it is"))
OLDEST: Final = Column("Oldest is of")
OWNERS: Final = (
    Column("Whose it is"),
    Column("Waits", is_number=True),
    Column("Events", is_number=True),
    OLDEST,
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


@dataclass(frozen=True, slots=True)
class CurrencyShown:
    """What waits in one currency, and the way from what is stored to what is invoiced."""

    key: str
    currency: str
    chart: Drawn
    steps: Facts
    waiting: Table


def standing_facts(standing: Mapping[str, Any], zones: Zones) -> Facts | None:
    if standing["day"] is None:
        return None
    total = tuple(Cell.amount(amount_of(one)) for one in standing["total"]["value"])
    compared = Cell("no earlier day is kept") if standing["since"] is None else day_cell(standing["since"])
    return Facts(
        "standing",
        (
            Fact("Waits in all", total or (Cell("nothing"),)),
            Fact(
                "As the books were checked", (Cell.at(zones.moment(standing["taken_at"]), books_at(zones)),)
            ),
            Fact("Business day", (day_cell(standing["day"]),)),
            Fact("Compared with", (compared,)),
        ),
    )


def books_at(zones: Zones) -> str:
    return with_query(BOOKS, zones.query)


def currency_shown(one: Mapping[str, Any], standing: Mapping[str, Any], zones: Zones) -> CurrencyShown:
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
        Facts(f"steps-{key}", tuple(_step(step, code, zones) for step in one["steps"])),
        _waits_in(code, standing, zones),
    )


def _step(step: Mapping[str, Any], code: str, zones: Zones) -> Fact:
    """A step as a link to the page of its parts."""
    amount = Cell.amount(Amount(code, step["amount"]), page_of_step(step["step"], code, zones))
    return Fact(STEPS.get(step["step"], step["step"]), (amount,))


def _waits_in(code: str, standing: Mapping[str, Any], zones: Zones) -> Table:
    """What waits in the currency, and what did on the day before; each with how it has changed."""
    changed = _changes(standing)
    rows = []
    for pile, waits in _piles(standing).items():
        now, more = _in(code, waits["value"]), _in(code, changed.get(pile, {"value": []})["value"])
        if now is None and more is None:
            continue
        listed = page_of_waiting(pile[0], pile[1], code, zones)
        cells = (
            *_place(pile, zones),
            Cell("nothing") if now is None else Cell.amount(Amount(code, now), listed),
            *_more(standing, None if more is None else Cell.amount(Amount(code, more))),
            _oldest(waits),
        )
        rows.append(Row(key_of(code, *pile), cells))
    heads = (*PILE, Column("Waits", is_number=True), *_more_head(standing), OLDEST)
    return Table(f"waits-{key_of(code)}", f"What waits in {code}", heads, tuple(rows), NO_MONEY)


def events_table(standing: Mapping[str, Any], zones: Zones) -> Table:
    """The same in events, which have no currency."""
    changed = _changes(standing)
    rows = []
    for pile, waits in _piles(standing).items():
        more = changed.get(pile, {"events": 0})["events"]
        if not waits["events"] and not more:
            continue
        cells = (
            *_place(pile, zones),
            Cell.number(str(waits["events"]), page_of_waiting(pile[0], pile[1], "", zones)),
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


def _place(pile: tuple[str, str, str], zones: Zones) -> tuple[Cell, Cell, Cell]:
    place, reason, owner = pile
    return (
        Cell.of(place_of(place)),
        Cell.of(REASONS.get(reason, reason)),
        Cell.of(owner, owner_at(zones, owner)),
    )


def _more_head(standing: Mapping[str, Any]) -> tuple[Column, ...]:
    since = standing["since"]
    return () if since is None else (Column(f"More than on {day_cell(since).text}", is_number=True),)


def _more(standing: Mapping[str, Any], more: Cell | None) -> tuple[Cell, ...]:
    return () if standing["since"] is None else (more or Cell("="),)


def _in(code: str, value: Sequence[Mapping[str, str]]) -> str | None:
    """What of it is in the currency, as it was said."""
    return next((one["amount"] for one in value if one["currency"] == code), None)


def _oldest(waits: Mapping[str, Any]) -> Cell:
    return Cell("") if waits["oldest"] is None else day_cell(waits["oldest"])


def day_cell(day: str) -> Cell:
    return Cell(day_of(day_in(day)))


def amount_of(one: Mapping[str, str]) -> Amount:
    return Amount(one["currency"], one["amount"])


def each_of(value: Sequence[Mapping[str, str]]) -> Cell:
    """Each currency by itself: they are never added."""
    return Cell(", ".join(amount_of(one).shown for one in value))


def owners_table(standing: Mapping[str, Any], zones: Zones) -> Table:
    rows = tuple(
        Row(
            key_of(one["owner"]),
            (Cell.of(one["owner"]), each_of(one["value"]), Cell.number(str(one["events"])), _oldest(one)),
            owner_at(zones, one["owner"]),
        )
        for one in standing["owners"]
    )
    return Table("owners", "For whom it waits", OWNERS, rows, NOBODY)
