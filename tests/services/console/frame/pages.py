"""Pages that are made of every part, for tests: `tried.html` shows all of them at once."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from jinja2 import ChoiceLoader, DictLoader

from services.console.domain.addresses import address
from services.console.domain.amounts import Amount
from services.console.domain.charts.bars import bars
from services.console.domain.charts.bullet import Measure, bullet
from services.console.domain.charts.drawing import Drawn, Heading, Point
from services.console.domain.charts.line import Span, line
from services.console.domain.charts.spark import spark
from services.console.domain.charts.waterfall import Step, waterfall
from services.console.domain.frame import Destination, Frame, Notice, Saved
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
    Option,
    Pager,
    Progress,
    Row,
    Table,
    key_of,
)
from services.console.domain.times import moment
from services.console.domain.views import Wanted, save_form
from services.console.frame.page import ENVIRONMENT

TRIED: Final = "tried.html"
_SOURCE: Final = """
{% extends "layout.html" %}
{% from "parts/table.html" import table %}
{% from "parts/filters.html" import filters %}
{% from "parts/form.html" import form %}
{% from "parts/down.html" import down %}
{% from "parts/progress.html" import progress %}
{% from "parts/facts.html" import facts %}
{% from "parts/chart.html" import chart %}
{% block main %}
<h1>{{ page.title }}</h1>
{{ facts(page.facts) }}
{{ filters(page.filters) }}
{{ table(page.table) }}
{{ table(page.nothing) }}
{% for one in page.charts %}{{ chart(one) }}{% endfor %}
{{ form(page.form) }}
{{ form(page.many) }}
{{ down(page.down) }}
{{ progress(page.progress) }}
{% endblock %}
"""
ENVIRONMENT_OF_TESTS: Final = ENVIRONMENT.overlay(
    loader=ChoiceLoader([DictLoader({TRIED: _SOURCE}), *([ENVIRONMENT.loader] if ENVIRONMENT.loader else [])])
)


@dataclass(frozen=True, slots=True)
class Tried:
    """One of each part."""

    title: str
    facts: Facts
    filters: Filters
    table: Table
    nothing: Table
    charts: tuple[Drawn, ...]
    form: Form
    many: Form
    down: Down
    progress: Progress


def tried(text: str) -> str:
    """A whole page on which every text from outside is this one."""
    return ENVIRONMENT_OF_TESTS.get_template(TRIED).render(frame=frame(text), page=page(text))


def frame(text: str) -> Frame:
    return Frame(
        title=text,
        person=text,
        sign_out="/sign-out",
        csrf="token",
        destinations=(Destination("Invoices", "/invoices", is_here=True, letter="i", count="12"),),
        notices=(
            Notice("Business time", Cell.at(moment("2014-01-05T05:00:02Z", "America/New_York"))),
            Notice("Books", Cell.of(text, "/reconciliation"), "bad"),
        ),
        zones=(Destination("UTC", address("invoices", zone="utc", q=text)),),
        said=text,
        is_demo=True,
        saved=Saved(
            (Destination(text, address("invoices", q=text), is_here=True),),
            save_form("token", "key", Wanted("/invoices", text, text), text),
        ),
    )


def page(text: str) -> Tried:
    return Tried(
        text,
        Facts("facts", (Fact("customer", (Cell.of(text), Cell.of(text, address("customers", text)))),)),
        Filters("filters", "/invoices", fields(text), "/invoices"),
        _table(text),
        Table("none", text, (Column("name"),), (), Empty(text, text, "/customers", text)),
        charts(text),
        Form("change", "/invoices/x/hold", text, "token", "key", fields(text), is_grave=True, fault=text),
        Form(
            "many",
            "/invoices/reviews",
            "",
            "token",
            "key",
            acts=(Option("hold", text), Option("approve", text)),
        ),
        Down(text, text, text, "/invoices"),
        Progress("work", text, "3", "8", address("checks", text)),
    )


def fields(text: str) -> tuple[Field, ...]:
    return (
        Field("name", text, text, hint=text, letters_max="200"),
        Field("note", text, text, "area", fault=text, is_required=True),
        Field("reason", text, text, "choice", (Option("", "any"), Option(text, text))),
        Field("day", text, "2014-01-05", "date"),
        Field("back", "", text, "hidden"),
    )


def _table(text: str) -> Table:
    rows = tuple(
        Row(
            key_of(text, str(number)),
            (
                Cell.of(text),
                Cell.amount(Amount("USD", "1234567.00")),
                Cell.of(text, address("customers", text)),
                Cell("", chart=spark(Heading(f"spark-{number}", text), _points(text))),
            ),
            address("invoices", text, str(number)),
            text,
            number == 1,
        )
        for number in range(3)
    )
    columns = (
        Column("name", href=address("invoices", sort="name"), sorted="ascending"),
        Column("amount", is_number=True, href=address("invoices", sort="amount")),
        Column("customer"),
        Column("12 months"),
    )
    pager = Pager(text, "/invoices", address("invoices", cursor=text))
    return Table(
        "list", text, columns, rows, Empty(text, text), pager, address("invoices.csv", q=text), "change"
    )


def charts(text: str) -> tuple[Drawn, ...]:
    points = _points(text)
    return (
        line(Heading("line", text), points, [Span(1, 2, text)], [Span(0, 0, text)]),
        bars(Heading("bars", text), points),
        waterfall(
            Heading("waterfall", text),
            [Step(text, Decimal(3), text, is_total=True), Step(text, Decimal(-1), text)],
        ),
        bullet(Heading("bullet", text), [Measure(text, Decimal(1), Decimal(2), text)]),
    )


def _points(text: str) -> list[Point]:
    return [Point(text, Decimal(1), text), Point(text, None), Point("b", Decimal(-2), "-2")]
