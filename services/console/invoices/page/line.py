"""One line of a document, down to its clause, its raw events and its journal entry."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from services.console.domain.addresses import address
from services.console.domain.amounts import Amount, grouped
from services.console.domain.nouns import contract_at, customer_at, event_at
from services.console.domain.parts import Cell, Column, Empty, Fact, Facts, Pager, Row, Table, key_of
from services.console.domain.times import Zones, day_in, day_of, days
from services.console.domain.visit import Visit
from services.console.invoices.domain.document import Clause, Document, Entry, Step, Trace
from services.console.invoices.page.cells import NONE, at_cell
from services.console.invoices.usecases import Traced


@dataclass(frozen=True, slots=True)
class ClauseShown:
    """A clause as it was agreed, a text line each."""

    heading: str
    facts: Facts
    terms: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class LinePage:
    title: str
    back: str
    back_text: str
    facts: Facts
    steps: Table
    text: tuple[str, ...]
    clauses: tuple[ClauseShown, ...]
    events: Table
    entry: Table


def line_page(traced: Traced, visit: Visit) -> LinePage:
    trace, document, zones = traced.trace, traced.document, visit.zones
    amount = Amount(document.currency, trace.line.amount)
    return LinePage(
        f"{trace.line.name}: why {amount.shown}?",
        address("invoices", document.id, **zones.query),
        document.called,
        _facts_of_line(trace, document, visit),
        _steps(trace.steps, document.currency),
        tuple(_as_text(trace, amount)),
        tuple(_clause(clause, document, zones) for clause in reversed(trace.clause_versions)),
        _events(trace, document, visit),
        _entry(trace.journal_entry),
    )


def _facts_of_line(trace: Trace, document: Document, visit: Visit) -> Facts:
    here = address("invoices", document.id, **visit.zones.query)
    contract = contract_at(visit, trace.contract)
    money, line = document.currency, trace.line
    facts = [
        Fact("Amount", (Cell.amount(Amount(money, line.amount)),)),
        Fact("Quantity", (Cell.number(line.quantity), Cell.of(line.meter or "no meter"))),
        Fact("Document", (Cell.of(document.called, here),)),
        Fact("Customer", (Cell.of(trace.customer, customer_at(visit, trace.customer)),)),
        Fact("Contract", (Cell.of(trace.contract, contract), Cell(f"terms version {line.version}"))),
        Fact(
            "Period", (Cell(days(trace.period.start, trace.period.end)), Cell(f"days of {document.timezone}"))
        ),
    ]
    if trace.correction:
        made = trace.correction
        facts += [
            Fact("As corrected", (Cell.amount(Amount(money, made.amount)), Cell.number(made.quantity))),
            Fact("Asked for before", (Cell.amount(Amount(money, made.before)),)),
            Fact("Asked for by this note", (Cell.amount(Amount(money, made.asked)),)),
        ]
    return Facts("facts", tuple(facts))


def _steps(steps: Sequence[Step], currency: str) -> Table:
    rows = tuple(
        Row(
            str(number),
            (
                Cell(str(number + 1)),
                Cell.of(step.op.replace("_", " ")),
                Cell.of(step.text, characters_max=200),
                Cell(NONE, is_number=True)
                if step.amount is None
                else Cell(grouped(step.amount), is_number=True),
            ),
        )
        for number, step in enumerate(steps)
    )
    columns = (
        Column("step"),
        Column("what"),
        Column("in words"),
        Column(f"adds ({currency})", is_number=True),
    )
    empty = Empty(
        "Steps of pricing stand here.", "This line was final before they were kept; none are made up."
    )
    return Table("steps", "How the amount came about", columns, rows, empty)


def _as_text(trace: Trace, amount: Amount) -> Iterator[str]:
    """The explanation, as it is pasted into an e-mail: what the API says of each step, a line each."""
    yield f"{trace.number or 'Draft'}, {trace.contract}, {days(trace.period.start, trace.period.end)}"
    yield f"{trace.line.name}: {grouped(trace.line.quantity)}, {amount.shown}"
    for step in trace.steps:
        yield f"  {step.text}"
    for clause in trace.clause_versions:
        yield f"Clause {clause.section}/{clause.key}, version {clause.version}"


def _clause(clause: Clause, document: Document, zones: Zones) -> ClauseShown:
    facts = (
        Fact("In force from", (at_cell(clause.effective_at, document, zones),)),
        Fact("Recorded", (at_cell(clause.recorded_at, document, zones),)),
        Fact("Hash", (Cell.of(clause.hash),)),
    )
    return ClauseShown(
        f"Clause {clause.section}/{clause.key}, version {clause.version}",
        Facts(f"clause-{clause.version}", facts),
        tuple(json.dumps(clause.terms, indent=2, ensure_ascii=False).splitlines()),
    )


def _events(trace: Trace, document: Document, visit: Visit) -> Table:
    zones = visit.zones
    found = [] if trace.events is None else trace.events.data
    rows = tuple(
        Row(
            key_of(event.source, event.id),
            (
                at_cell(event.time, document, zones),
                Cell.of(event.subject),
                Cell.of(event.source),
                Cell.of(event.id),
                Cell.of(json.dumps(event.data, ensure_ascii=False)),
                Cell.number(event.value),
            ),
            event_at(visit, event.source, event.id),
        )
        for event in found
    )
    more = trace.events.next_cursor if trace.events else None
    here = ("invoices", document.id, "lines", trace.line.id)
    pager = Pager(
        f"{len(found)} shown, more follow" if more else f"{len(found)} shown",
        address(*here, **zones.query),
        address(*here, **zones.query, cursor=more) if more else "",
    )
    columns = (
        Column("time"),
        Column("subject"),
        Column("source"),
        Column("id"),
        Column("data"),
        Column("counts", is_number=True),
    )
    empty = Empty("Raw events that the line counts stand here.", "This line counts none.")
    csv = address(*here, "events.csv", **zones.query) if rows else ""
    return Table("events", "Raw events", columns, rows, empty, pager if rows else None, csv)


def _entry(entry: Entry | None) -> Table:
    rows = (
        ()
        if entry is None
        else tuple(
            Row(
                str(number),
                (
                    Cell.of(posting.account),
                    Cell.of(posting.block or ""),
                    Cell.amount(Amount(entry.currency, posting.amount)),
                ),
            )
            for number, posting in enumerate(entry.postings)
        )
    )
    caption = (
        "Journal entry"
        if entry is None
        else f"Journal entry {entry.id}, posted {day_of(day_in(entry.posted_on))}"
    )
    columns = (Column("account"), Column("block"), Column("amount, debits positive", is_number=True))
    empty = Empty(
        "The entry that books this document stands here.",
        "A draft has none yet: it is posted when it is finalized.",
    )
    return Table("entry", caption, columns, rows, empty)
