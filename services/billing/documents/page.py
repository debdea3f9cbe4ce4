"""The invoice as one plain page that prints well on A4."""

from datetime import date
from pathlib import Path

from babel.dates import format_date
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from services.billing.documents.domain.details import LOCALE, amount, details_of, quantity
from services.billing.documents.domain.document import Document, Line
from services.billing.documents.domain.steps import ClauseTerms, parts_of
from shared.pricing.language import LEGAL_ENTITY_UNNAMED
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


def page_of(document: Document, terms_of: ClauseTerms) -> str:
    """Return the page as HTML; everything that came from outside is escaped."""
    of = currency(document.currency)
    return _environment.get_template("invoice.html").render(
        document=document,
        title=document.kind.title,
        day=_day,
        quantity=quantity,
        name_of=_name_of,
        of_another_period=lambda line: _period_of(line) != _period_of(document),
        money=lambda minor: amount(to_decimal(minor, of), document),
        details_of=lambda line: details_of(document, line, parts_of(line, terms_of)),
        issuer=None if document.legal_entity == LEGAL_ENTITY_UNNAMED else document.legal_entity,
    )


def _day(day: date | None) -> str:
    return format_date(day, "d MMMM y", locale=LOCALE) if day else "–"


def _period_of(of: Document | Line) -> tuple[str, date, date]:
    return of.contract, of.start_date, of.end_date


def _name_of(line: Line) -> str:
    name = line.description or line.key.replace("_", " ")
    return name[:1].upper() + name[1:]
