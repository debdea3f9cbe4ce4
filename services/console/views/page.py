"""The pages of saved views, as their templates take them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

from services.console.domain.addresses import address
from services.console.domain.parts import Cell, Column, Empty, Fact, Facts, Form, Row, Table
from services.console.domain.views import View
from services.console.domain.visit import Visit
from services.console.views.rows import ViewRow
from shared.values.instants import written

VIEWS: Final = "/views"
Act = Literal["share", "unshare", "remove"]
BUTTONS: Final[dict[Act, str]] = {
    "share": "Share it with all who may open the page",
    "unshare": "Keep it for me alone",
    "remove": "Remove it",
}
HEADS: Final = (Column("Name"), Column("Page"), Column("Narrowed by"), Column("For"))
NONE_YET: Final = Empty(
    "Views that you save appear here and above their list.", "Filter a list, then “Save this view”."
)
QUERY_SHOWN_MAX: Final = 120


@dataclass(frozen=True, slots=True)
class ViewsPage:
    """`again` is the form of a view that could not be saved, with what was typed."""

    title: str
    again: Form | None
    views: Table


@dataclass(frozen=True, slots=True)
class ViewPage:
    title: str
    facts: Facts
    forms: tuple[Form, ...]


def views_page(rows: Sequence[ViewRow], visit: Visit, again: Form | None = None) -> ViewsPage:
    table = Table("views", "Yours", HEADS, tuple(_row(row.view, visit) for row in rows), NONE_YET)
    return ViewsPage("Saved views", again, table)


def _row(view: View, visit: Visit) -> Row:
    cells = (
        Cell.of(view.name),
        Cell.of(view.page),
        Cell.of(view.query, view.at(visit.zones.query), QUERY_SHOWN_MAX),
        Cell(_for(view)),
    )
    return Row(view.id, cells, address("views", view.id, **visit.zones.query))


def _for(view: View) -> str:
    return "all who may open the page" if view.is_shared else "me alone"


def view_page(row: ViewRow, visit: Visit, once: tuple[str, str]) -> ViewPage:
    """`once`: a key for each form."""
    view = row.view
    facts = (
        Fact("Open", (Cell.of(view.query, view.at(visit.zones.query), QUERY_SHOWN_MAX), Cell.of(view.page))),
        Fact("For", (Cell(_for(view)),)),
        Fact("Saved", (Cell.at(visit.zones.moment(written(row.saved_at))),)),
    )
    acts: tuple[Act, ...] = ("unshare" if view.is_shared else "share", "remove")
    forms = tuple(
        Form(
            act,
            address("views", view.id, act, **visit.zones.query),
            BUTTONS[act],
            visit.csrf,
            key,
            is_grave=act == "remove",
        )
        for act, key in zip(acts, once, strict=True)
    )
    return ViewPage(f"View {view.name}", Facts("view", facts), forms)
