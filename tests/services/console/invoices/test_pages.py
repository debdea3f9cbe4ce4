"""Pages of invoices from what billing's own documents say: numbers are its texts, nothing is added, and hostile texts stay
texts."""

import copy
import dataclasses
import gzip
import json
from calendar import monthrange
from collections.abc import Iterator
from typing import Any
from uuid import NAMESPACE_URL, uuid5

import msgspec
import pytest

from services.console.domain.amounts import GROUP
from services.console.domain.charts.drawing import Point
from services.console.domain.forms import NOT_TRIED, Tried
from services.console.domain.frame import Frame
from services.console.domain.parts import Cell
from services.console.domain.times import Zones
from services.console.domain.visit import Visit
from services.console.frame.page import page_of
from services.console.invoices.domain.document import (
    KINDS,
    Acted,
    Document,
    Documents,
    Happened,
    Refused,
    Total,
    Trace,
)
from services.console.invoices.domain.history import is_cut, of_period, points_of
from services.console.invoices.page.document import InvoicePage, invoice_page
from services.console.invoices.page.line import LinePage, line_page
from services.console.invoices.page.listed import InvoicesPage, invoices_page
from services.console.invoices.page.reviews import (
    Choosing,
    form_of_many,
    forms_on,
    refused_table,
    still_chosen,
)
from services.console.invoices.usecases import Listed, Seen, Traced
from services.console.upstream.domain.told import AnswerNotUnderstood, Silent, Told, read
from tests.services.console.frame.test_hostile import Read, outline
from tests.services.console.hostile import HOSTILE
from u2c.deployment.state import ROOT

EXAMPLES = ROOT / "services/billing/examples"
DOCUMENT: dict[str, Any] = json.loads((EXAMPLES / "invoice.json").read_text())
TRACE: dict[str, Any] = json.loads((EXAMPLES / "trace.json").read_text())
SILENT = Silent("billing", "billing cannot be reached", "it comes back by itself")
PAGE_MAX_BYTES = 40_000
VISIT = Visit("ana", "finance", "token", "/invoices", "0" * 32)
HAPPENED = [Happened("2026-11-24T18:39:40Z", "drafted", None, None, None, None)]


def changed(of: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {**copy.deepcopy(of), **more}


def document(**more: Any) -> Document:
    return msgspec.convert(changed(DOCUMENT, **more), Document)


def listed(*documents: Document, cursor: str | None = None) -> Listed:
    """Each state and currency comes to what its one document does."""
    totals = [Total(one.state, one.currency, 1, one.total) for one in documents[:1]]
    return Listed(Documents(list(documents), cursor is not None, cursor), totals)


def shown(page: InvoicesPage | InvoicePage | LinePage) -> str:
    template = {InvoicesPage: "invoices.html", InvoicePage: "invoice.html", LinePage: "line.html"}[type(page)]
    return bytes(page_of(template, Frame(page.title), page).body).decode()


def cells(of: Any) -> Iterator[Cell]:
    """Every field of a page."""
    if isinstance(of, Cell):
        yield of
    elif isinstance(of, tuple):
        for one in of:
            yield from cells(one)
    elif dataclasses.is_dataclass(of):
        for field in dataclasses.fields(of):
            yield from cells(getattr(of, field.name))


def numbers(of: Any) -> list[str]:
    """The numbers of a page, as they were before they were grouped."""
    return [
        cell.text.split(" ")[-1].replace(GROUP, "")
        for cell in cells(of)
        if cell.is_number and cell.text != "–"
    ]


def said(of: Any) -> set[str]:
    """Every text and number of an answer."""
    if isinstance(of, dict):
        return {text for one in of.values() for text in said(one)}
    if isinstance(of, list):
        return {text for one in of for text in said(one)}
    return {str(of)}


BIG = changed(DOCUMENT, total="1234567.80", subtotal="1234600.00")
BIG["lines"][0]["amount"] = "1234600.00"
BIG["draws"] = [
    {"block": "blo_1", "kind": "prepaid", "line": BIG["lines"][0]["id"], "amount": "32.20"},
]


def test_every_number_of_a_page_is_one_that_billing_said() -> None:
    big = msgspec.convert(BIG, Document)
    for page, answer in (
        (invoices_page({}, listed(big), VISIT), BIG),
        (invoice_page(Seen(big, [big], HAPPENED), VISIT), BIG),
        (line_page(Traced(msgspec.convert(TRACE, Trace), document()), VISIT), [TRACE, DOCUMENT]),
    ):
        found = numbers(page)
        assert found
        assert set(found) <= said(answer)


def test_the_total_is_shown_as_it_was_said_in_the_list_and_on_its_page() -> None:
    big = msgspec.convert(BIG, Document)
    for page in (invoices_page({}, listed(big), VISIT), invoice_page(Seen(big, [], []), VISIT)):
        assert ">USD 1,234,567.80<" in shown(page)


def test_a_line_shows_its_steps_its_clause_its_events_and_its_entry() -> None:
    page = line_page(Traced(msgspec.convert(TRACE, Trace), document()), VISIT)
    text = shown(page)
    for step in TRACE["line"]["steps"]:
        assert f">{step['text']}<" in text
    assert "Clause lines/api, version 1" in text
    assert "&#34;up_to&#34;: &#34;1000&#34;" in text
    assert "10 Mar 2026 08:00:00 EDT" in text and "req-64" in text
    assert "revenue.usage" in text and "USD -21.99" in text
    assert page.events.pager is not None
    assert page.events.pager.next.endswith(f"?cursor={TRACE['events']['next_cursor']}")
    assert page.text[:3] == (
        "DEFAULT-2026-000003, acme-2026, 1–31 Mar 2026",
        "api: 1,200, USD 21.99",
        "  api_calls: 1200 under version 1",
    )


def test_times_are_in_the_zone_that_was_chosen_and_links_keep_it() -> None:
    trace = Traced(msgspec.convert(TRACE, Trace), document())
    assert "10 Mar 2026 12:00:00 UTC" in shown(
        line_page(trace, dataclasses.replace(VISIT, zones=Zones("utc")))
    )
    assert "10 Mar 2026 13:00:00 CET" in shown(
        line_page(trace, dataclasses.replace(VISIT, zones=Zones("mine", "Europe/Berlin")))
    )
    assert 'href="/invoices/inv_0353HwWXEjxXOHKJzOoT5e?zone=utc"' in shown(
        line_page(trace, dataclasses.replace(VISIT, zones=Zones("utc")))
    )


def test_a_head_sorts_and_turns_its_order_and_amounts_are_sorted_in_one_currency() -> None:
    def heads(**asked: str) -> dict[str, tuple[str, str]]:
        table = invoices_page(asked, listed(document()), VISIT).table
        assert table is not None
        return {column.head: (column.href, column.sorted) for column in table.columns}

    assert heads()["due"] == ("/invoices?sort=due", "none")
    assert heads(sort="due")["due"] == ("/invoices?sort=-due", "ascending")
    assert heads(sort="-due", kind="invoice")["due"] == ("/invoices?sort=due&kind=invoice", "descending")
    assert heads()["total before tax"] == ("", "none")
    assert heads(currency="USD")["total before tax"] == ("/invoices?currency=USD&sort=amount", "none")


def test_links_of_a_list_keep_what_is_asked() -> None:
    asked = {"customer": "a & b", "status": "draft"}
    page = invoices_page(
        asked, listed(document(), cursor="abc"), dataclasses.replace(VISIT, zones=Zones("utc"))
    )
    assert page.table is not None and page.table.pager is not None
    assert page.table.pager.next == "/invoices?customer=a+%26+b&status=draft&zone=utc&cursor=abc"
    assert page.table.pager.first == "/invoices?customer=a+%26+b&status=draft&zone=utc"
    typed = {field.name: field.value for field in page.filters.fields}
    assert (typed["customer"], typed["status"], typed["zone"], typed["kind"]) == ("a & b", "draft", "utc", "")
    assert "zone" not in {field.name for field in invoices_page({}, listed(), VISIT).filters.fields}


def test_an_empty_list_says_what_will_appear_and_how() -> None:
    first = shown(invoices_page({}, listed(), VISIT))
    assert "Drafts appear here as soon as" in first and "The first comes from a contract with usage." in first
    narrowed = shown(invoices_page({"customer": "x"}, listed(), VISIT))
    assert "Nothing fits these filters" in narrowed and 'href="/invoices">Show all<' in narrowed


def test_a_service_that_is_down_greys_its_own_block() -> None:
    page = shown(invoices_page({}, SILENT, VISIT))
    assert (
        "billing cannot be reached" in page
        and "it comes back by itself" in page
        and 'name="customer"' in page
    )
    one = shown(invoice_page(Seen(document(), SILENT, SILENT), VISIT))
    assert one.count("billing cannot be reached") == 2 and "USD 21.99" in one


def _month(month: int, amount: str | None, **more: Any) -> Document:
    period = {"start": f"2026-{month:02}-01", "end": f"2026-{month:02}-{monthrange(2026, month)[1]}"}
    lines = [] if amount is None else [{**DOCUMENT["lines"][0], "amount": amount, "period": period}]
    return document(period=period, lines=lines, **more)


def test_a_line_goes_through_the_periods_of_its_contract_with_its_gaps() -> None:
    documents = [
        _month(4, "40.00", number=None),
        _month(3, "7.00", occasion="note:1", kind="credit_note"),
        _month(3, "30.00"),
        _month(2, None),
        _month(1, "1000.00"),
    ]
    points = points_of("api", "acme-2026", of_period(documents))
    assert points == [
        Point("1–31 Jan 2026", points[0].value, "USD 1,000.00"),
        Point("1–28 Feb 2026", None),
        Point("1–31 Mar 2026", points[2].value, "USD 30.00"),
        Point("1–30 Apr 2026 (draft)", points[3].value, "USD 40.00"),
    ]
    assert [str(point.value) for point in points] == ["1000.00", "None", "30.00", "40.00"]
    page = invoice_page(Seen(documents[2], documents, []), VISIT)
    assert page.lines.rows[0].cells[3].text == "–", "the period before has no such line"
    assert invoice_page(Seen(documents[0], documents, []), VISIT).lines.rows[0].cells[3].text == "30.00"
    apart = [documents[0], documents[4]]
    page = invoice_page(Seen(documents[0], apart, []), VISIT)
    assert page.lines.rows[0].cells[3].text == "–", "an older one is not the one before"


def test_a_history_that_is_cut_says_so() -> None:
    notes = [_month(3, "7.00", occasion=f"note:{one}", kind="credit_note") for one in range(35)]
    documents = [_month(4, "40.00"), *notes]
    assert not is_cut(Documents(documents, False, None))
    assert is_cut(Documents(documents, True, "more"))
    assert not is_cut(Documents([_month(month, "1.00") for month in range(1, 13)], True, "more"))
    page = invoice_page(Seen(documents[0], documents, [], is_cut=True), VISIT)
    assert page.lines.pager is not None and "newest 36 documents" in page.lines.pager.said
    assert invoice_page(Seen(documents[0], documents, []), VISIT).lines.pager is None


def test_the_kinds_are_those_that_billing_makes() -> None:
    from services.billing.documents.domain.kinds import KINDS as MADE

    assert {name: kind.title for name, kind in MADE.items()} == KINDS


def test_an_answer_of_another_version_is_named() -> None:
    with pytest.raises(
        AnswerNotUnderstood, match=r"total.*bring the console and the services to one version"
    ):
        read(Told({name: value for name, value in DOCUMENT.items() if name != "total"}), Document)


def _hostile(text: str) -> list[InvoicesPage | InvoicePage | LinePage]:
    """The three pages where whatever comes from outside is this text."""
    line = {**DOCUMENT["lines"][0], "description": text}
    held = {
        "reason": text,
        "since": DOCUMENT["created_at"],
        "owner": text,
        "detail": text,
        "exception": text,
        "service": text,
    }
    said = {"by": text, "at": DOCUMENT["created_at"], "reason": text, "total": "1.00"}
    one = document(
        customer=text,
        customer_name=text,
        lines=[line],
        held=held,
        hold=said,
        approval=said,
        seen=said,
        status="draft",
        state="held",
        number=None,
        contract=text,
    )
    event = {**TRACE["events"]["data"][0], "source": text, "id": text, "subject": text, "data": {text: text}}
    clause = {**TRACE["clause_versions"][0], "terms": {text: text}}
    trace = changed(
        TRACE, customer=text, clause_versions=[clause], line={**TRACE["line"], "description": text}
    )
    trace["events"]["data"] = [event]
    tried = Tried("hold", {"reason": text}, text)
    refused = [Acted("hold", one.id, Refused("held_already", text, text))]
    choosing = Choosing(
        form_of_many("/invoices/reviews", VISIT, "key", tried),
        still_chosen([], refused),
        refused_table([], refused, [], Zones()),
    )
    happened = [Happened(DOCUMENT["created_at"], text, text, text, 1, text)]
    return [
        invoices_page({"customer": text}, listed(one, cursor=text), VISIT, choosing),
        invoice_page(Seen(one, [one], happened), VISIT, forms_on(one, VISIT, lambda: "key", tried)),
        line_page(Traced(msgspec.convert(trace, Trace), one), VISIT),
    ]


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_hostile_texts_change_nothing_of_a_page(text: str) -> None:
    for made, plain in zip(_hostile(text), _hostile("plain"), strict=True):
        assert outline(shown(made)) == outline(shown(plain))
        assert all(led.startswith(("/", "#")) and not led.startswith("//") for led in Read(shown(made)).led)


def test_a_page_of_two_hundred_rows_is_small() -> None:
    rows = [
        document(
            id=f"inv_{number * 7919:022}",
            number=None,
            status="draft",
            contract=f"contract-{number}",
            revisions={str(uuid5(NAMESPACE_URL, str(number))): 1795545589489935 + number * 7919},
            customer_name=f"Customer {number * 104729 % 1000}",
            total=f"{number * 7919 % 100000}.{number % 100:02}",
        )
        for number in range(200)
    ]
    choosing = Choosing(form_of_many("/invoices/reviews", VISIT, "key", NOT_TRIED))
    text = shown(invoices_page({}, listed(*rows, cursor="abc"), VISIT, choosing))
    assert text.count('<tr id="invoices-') == text.count('type="checkbox"') == 200
    assert len(gzip.compress(text.encode())) <= PAGE_MAX_BYTES
