"""The invoice as one plain page that prints well on A4, and as text for an e-mail."""

from datetime import date
from pathlib import Path
from typing import Any

from babel.dates import format_date
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from services.billing.documents.domain.document import Document, Line
from shared.pricing.explanation.paper import LOCALE, details_of, money, units
from shared.pricing.language import LEGAL_ENTITY_UNNAMED
from shared.topics.statement_steps import steps_of
from shared.values.money import currency, to_decimal

#: The page brings its own style and nothing else: no script, no font, no image, no frame around it.
PAGE_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}
_environment = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_plain = _environment.overlay(autoescape=False, keep_trailing_newline=True)


def page_of(document: Document) -> str:
    """Return the page as HTML; everything that came from outside is escaped."""
    return _environment.get_template("invoice.html").render(_said(document))


def text_of(document: Document) -> str:
    """Return the same as text: each line with every step that led to its amount."""
    return _plain.get_template("invoice.txt").render(_said(document))


def _said(document: Document) -> dict[str, Any]:
    of = currency(document.currency)
    return {
        "document": document,
        "title": document.kind.title,
        "day": _day,
        "quantity": units,
        "name_of": _name_of,
        "of_another_period": lambda line: _period_of(line) != _period_of(document),
        "money": lambda minor: money(to_decimal(minor, of), document.currency),
        "details_of": lambda line: _details(document, line),
        "issuer": None if document.legal_entity == LEGAL_ENTITY_UNNAMED else document.legal_entity,
    }


def _details(document: Document, line: Line) -> list[str]:
    """How the amount came about: of a line that has not been final yet, rating is asked."""
    if line.steps_kept is None:
        return []
    return details_of(steps_of(line.steps), document.currency, document.timezone)


def _day(day: date | None) -> str:
    return format_date(day, "d MMMM y", locale=LOCALE) if day else "–"


def _period_of(of: Document | Line) -> tuple[str, date, date]:
    return of.contract, of.start_date, of.end_date


def _name_of(line: Line) -> str:
    name = line.description or line.key.replace("_", " ")
    return name[:1].upper() + name[1:]
