"""One document: what it comes to, what people said of it, and what became of it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from services.console.domain.addresses import address
from services.console.domain.amounts import Amount, grouped
from services.console.domain.charts.drawing import Heading
from services.console.domain.charts.spark import spark
from services.console.domain.nouns import contract_at, customer_at
from services.console.domain.parts import (
    Cell,
    Column,
    Down,
    Empty,
    Fact,
    Facts,
    Form,
    Pager,
    Row,
    Table,
    key_of,
)
from services.console.domain.times import Zones, days
from services.console.domain.visit import Visit
from services.console.invoices.domain.document import Document, Line
from services.console.invoices.domain.history import HISTORY_MAX, line_before, of_period, points_of
from services.console.invoices.page.cells import NONE, at_cell, day_cell, state_cell
from services.console.invoices.page.timeline import timeline
from services.console.invoices.usecases import Seen
from services.console.upstream.domain.told import Silent


@dataclass(frozen=True, slots=True)
class InvoicePage:
    """`forms` for who may decide about it; `timeline` is None where billing did not tell it, which `down` says then."""

    title: str
    back: str
    print: str
    facts: Facts
    held: str
    forms: tuple[Form, ...]
    lines: Table
    totals: Table
    timeline: Table | None
    statements: Table
    down: tuple[Down, ...]


def invoice_page(seen: Seen, visit: Visit, forms: tuple[Form, ...] = ()) -> InvoicePage:
    document, zones = seen.document, visit.zones
    here = address("invoices", document.id, **zones.query)
    blocks = (("The periods before", seen.earlier), ("What became of it", seen.happened))
    return InvoicePage(
        f"{document.kind_name} {document.called}",
        address("invoices", **zones.query),
        address("invoices", document.id, "print"),
        _facts_of(document, visit),
        "" if document.held is None else f"{document.held.detail} Owner: {document.held.owner}.",
        forms,
        _lines(document, seen, zones),
        _totals(document),
        None if isinstance(seen.happened, Silent) else timeline(document, seen.happened, zones),
        _statements(document, zones),
        tuple(told.block(what, here) for what, told in blocks if isinstance(told, Silent)),
    )


def _facts_of(document: Document, visit: Visit) -> Facts:
    zones = visit.zones
    customer = customer_at(visit, document.customer)
    facts = [
        Fact("Total before tax", (Cell.amount(document.money),)),
        Fact("State", (state_cell(document),)),
        Fact("Customer", (Cell.of(document.customer_name, customer), Cell.of(document.customer))),
        Fact("Contract", (Cell.of(document.contract, contract_at(visit, document.contract)),)),
        Fact(
            "Period",
            (Cell(days(document.period.start, document.period.end)), Cell(f"days of {document.timezone}")),
        ),
        Fact("Issued, due", (day_cell(document.issued_on), day_cell(document.due_on))),
        Fact("Drafted", (at_cell(document.created_at, document, zones),)),
        Fact("Finalized", (at_cell(document.finalized_at, document, zones),)),
        *_said_of(document, zones),
    ]
    if document.corrects:
        href = address("invoices", document.corrects, **zones.query)
        facts.append(Fact("Corrects", (Cell.of(document.corrects, href),)))
    return Facts("facts", tuple(facts))


def _said_of(document: Document, zones: Zones) -> Iterator[Fact]:
    """How it differs from the last period, and what people said of it."""
    if document.change:
        percent = "from nothing" if document.change.percent is None else f"{document.change.percent} %"
        more = Amount(document.currency, document.change.amount)
        yield Fact("Against the last period", (Cell.amount(more), Cell(percent)))
    if document.hold:
        at = at_cell(document.hold.at, document, zones)
        yield Fact("Held by", (Cell.of(document.hold.by), at, Cell.of(document.hold.reason)))
    for term, said in (("Approved by", document.approval), ("Seen by", document.seen)):
        if said:
            total = Cell.amount(Amount(document.currency, said.total))
            yield Fact(term, (Cell.of(said.by), at_cell(said.at, document, zones), total))


def _lines(document: Document, seen: Seen, zones: Zones) -> Table:
    columns = (
        Column("line"),
        Column("quantity", is_number=True),
        Column("amount", is_number=True),
        Column("period before", is_number=True),
        Column("12 months"),
    )
    periods = [] if isinstance(seen.earlier, Silent) else of_period(seen.earlier)
    rows = tuple(_line(document, line, periods, zones) for line in document.lines)
    return Table(
        "lines",
        "Lines",
        columns,
        rows,
        Empty("Lines appear here once something is used.", "Nothing was used in this period."),
        Pager(f"Periods are looked for in the newest {HISTORY_MAX} documents; there are older ones.")
        if seen.is_cut
        else None,
    )


def _line(document: Document, line: Line, periods: Sequence[Document], zones: Zones) -> Row:
    last = line_before(periods, line)
    heading = Heading(f"spark-{key_of(line.id)}", f"{line.name} by period", "period")
    return Row(
        line.id,
        (
            Cell.of(line.name),
            Cell.number(line.quantity),
            Cell(grouped(line.amount), is_number=True),
            Cell(NONE, is_number=True) if last is None else Cell(grouped(last.amount), is_number=True),
            Cell("", chart=spark(heading, points_of(line.key, line.contract, periods))),
        ),
        address("invoices", document.id, "lines", line.id, **zones.query),
    )


def _totals(document: Document) -> Table:
    names = {line.id: line.name for line in document.lines}
    rows = [
        Row("subtotal", (Cell("Subtotal"), Cell.amount(Amount(document.currency, document.subtotal)))),
        *(
            Row(
                f"draw-{number}",
                (
                    Cell.of(
                        f"{names.get(draw.line, draw.line)}, paid from {draw.kind.replace('_', ' ')} balance {draw.block}",
                        characters_max=200,
                    ),
                    Cell.amount(Amount(document.currency, draw.amount)),
                ),
            )
            for number, draw in enumerate(document.draws)
        ),
        Row("total", (Cell("Total before tax"), Cell.amount(document.money))),
    ]
    return Table(
        "totals", "Total", (Column(""), Column("amount", is_number=True)), tuple(rows), Empty("", "")
    )


def _statements(document: Document, zones: Zones) -> Table:
    columns = (
        Column("statement"),
        Column("period"),
        Column("revision", is_number=True),
        Column("usage up to"),
    )
    rows = tuple(
        Row(
            one.id,
            (
                Cell.of(one.id),
                Cell(f"{days(one.period.start, one.period.end)}{', final' if one.final else ''}"),
                Cell(str(one.revision), is_number=True),
                at_cell(one.watermark_at, document, zones),
            ),
        )
        for one in document.statements
    )
    return Table(
        "statements",
        "Made from",
        columns,
        rows,
        Empty(
            "Statements of rating appear here.", "This document asks for something beforehand and has none."
        ),
    )
