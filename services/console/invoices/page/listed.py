"""The list of invoices and notes, and what all of it comes to."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from services.console.domain.addresses import address
from services.console.domain.amounts import Amount
from services.console.domain.nouns import contract_at, customer_at
from services.console.domain.parts import (
    Cell,
    Column,
    Down,
    Empty,
    Field,
    Filters,
    Form,
    Option,
    Order,
    Pager,
    Row,
    Table,
    hidden,
    key_of,
)
from services.console.domain.times import Zones, days
from services.console.domain.visit import Visit
from services.console.invoices.domain.document import KINDS, Document, Documents, Total
from services.console.invoices.domain.reviews import looked_at
from services.console.invoices.page.cells import INVOICES, STATES, day_cell, state_cell
from services.console.invoices.page.reviews import MANY, NOBODY_CHOOSES, Choosing
from services.console.invoices.usecases import Listed
from services.console.upstream.domain.told import Silent
from shared.values.names import SUBJECT

DOCUMENT_STATES: Final = ("open", "due", "held", "awaiting_approval", "finalized")
NONE_YET: Final = Empty(
    "Drafts appear here as soon as a contract's period has begun, and become invoices when it closes.",
    "The first comes from a contract with usage.",
)
NOTHING_FITS: Final = Empty(
    NONE_YET.appears, "Nothing fits these filters; without them all are shown.", INVOICES, "Show all"
)


@dataclass(frozen=True, slots=True)
class InvoicesPage:
    """`review`: what may be done with all that are chosen; `refused`: what of that was not done."""

    title: str
    filters: Filters
    totals: Table | None
    refused: Table | None
    table: Table | None
    review: Form | None
    down: Down | None


def invoices_page(
    asked: dict[str, str], found: Listed | Silent, visit: Visit, choosing: Choosing | None = None
) -> InvoicesPage:
    zones = visit.zones
    filters, title = _filters(asked, zones), "Invoices"
    if isinstance(found, Silent):
        down = found.block("Invoices and notes", address("invoices", **asked, **zones.query))
        return InvoicesPage(title, filters, None, None, None, None, down)
    choosing = choosing or NOBODY_CHOOSES
    form = choosing.form if any(one.status == "draft" for one in found.documents.data) else None
    return InvoicesPage(
        title,
        filters,
        _come_to(found.totals),
        choosing.refused,
        _list(found.documents, asked, visit, choosing.picked if form else None),
        form,
        None,
    )


def _filters(asked: dict[str, str], zones: Zones) -> Filters:
    def text(name: str, label: str) -> Field:
        return Field(name, label, asked.get(name, ""), letters_max=str(SUBJECT.characters_max))

    def choice(name: str, label: str, **options: str) -> Field:
        any_of = (Option("", "any"), *(Option(value, said) for value, said in options.items()))
        return Field(name, label, asked.get(name, ""), "choice", any_of)

    fields = (
        text("q", "Begins with"),
        text("customer", "Customer"),
        text("contract", "Contract"),
        text("number", "Number"),
        choice("status", "Status", draft="draft", finalized="finalized"),
        choice("state", "State", **{state: state.replace("_", " ") for state in DOCUMENT_STATES}),
        choice("kind", "Kind", **KINDS),
        text("currency", "Currency"),
        Field("period_from", "Periods from", asked.get("period_from", ""), "date"),
        Field("period_to", "Periods to", asked.get("period_to", ""), "date"),
        Field("ends_from", "Periods that end from", asked.get("ends_from", ""), "date"),
        Field("ends_to", "Periods that end until", asked.get("ends_to", ""), "date"),
        *hidden({**_sort(asked), **zones.query}),
    )
    return Filters("filters", INVOICES, fields, address("invoices", **zones.query))


def _list(found: Documents, asked: dict[str, str], visit: Visit, picked: frozenset[str] | None) -> Table:
    """`picked`: the ids of those that are chosen; None where none can be."""
    zones = visit.zones
    columns = (
        Column("number"),
        _by("customer", "customer", asked, zones),
        Column("contract"),
        Column("period"),
        Column("state"),
        # amounts of several currencies have no order
        _by("amount" if "currency" in asked else "", "total before tax", asked, zones, is_number=True),
        _by("issued", "issued", asked, zones),
        _by("due", "due", asked, zones),
    )
    same = {**asked, **zones.query}
    pager = Pager(
        f"{len(found.data)} shown, more follow" if found.has_more else f"{len(found.data)} shown",
        address("invoices", **same),
        address("invoices", **same, cursor=found.next_cursor) if found.next_cursor else "",
    )
    rows = tuple(_row(document, visit, picked) for document in found.data)
    return Table(
        "invoices",
        "Invoices and notes",
        columns,
        rows,
        NOTHING_FITS if asked else NONE_YET,
        pager if rows else None,
        address("invoices.csv", **same),
        "" if picked is None else MANY,
    )


def _by(key: str, head: str, asked: dict[str, str], zones: Zones, *, is_number: bool = False) -> Column:
    """A column whose head sorts by `key`, and the other way round where it does already; "": by nothing."""
    if not key:
        return Column(head, is_number)
    orders: dict[str, Order] = {key: "ascending", f"-{key}": "descending"}
    now = orders.get(asked.get("sort", ""), "none")
    then = f"-{key}" if now == "ascending" else key
    href = address("invoices", **{**asked, "sort": then, **zones.query})
    return Column(head, is_number, href, now)


def _come_to(totals: Sequence[Total]) -> Table:
    rows = tuple(
        Row(
            key_of(one.state, one.currency),
            (
                Cell(one.state.replace("_", " "), state=STATES.get(one.state, "")),
                Cell.number(str(one.documents)),
                Cell.amount(Amount(one.currency, one.total)),
            ),
        )
        for one in totals
    )
    columns = (Column("state"), Column("documents", is_number=True), Column("total", is_number=True))
    empty = Empty("What is listed comes to nothing:", "there is no document.")
    return Table("totals", "All that fits comes to", columns, rows, empty)


def _row(document: Document, visit: Visit, picked: frozenset[str] | None) -> Row:
    can_be = picked is not None and document.status == "draft"
    return Row(
        document.id,
        (
            Cell.of(document.number or f"{document.kind_name.lower()}, no number yet"),
            Cell.of(document.customer_name, customer_at(visit, document.customer)),
            Cell.of(document.contract, contract_at(visit, document.contract)),
            Cell(days(document.period.start, document.period.end)),
            state_cell(document),
            Cell.amount(document.money),
            day_cell(document.issued_on),
            day_cell(document.due_on),
        ),
        address("invoices", document.id, **visit.zones.query),
        looked_at(document) if can_be else "",
        picked is not None and document.id in picked,
    )


def _sort(asked: dict[str, str]) -> dict[str, str]:
    return {"sort": asked["sort"]} if "sort" in asked else {}
