"""The invoice as one plain page that prints well on A4."""

from datetime import date
from decimal import Decimal
from pathlib import Path

from babel.dates import format_date
from babel.numbers import format_currency, format_decimal
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from services.billing.documents.domain.document import Document, Line
from shared.money import currency, to_decimal

LOCALE = "en_US"
#: The page brings its own style and nothing else: no script, no font, no image, no frame around it.
PAGE_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer", "Cache-Control": "no-store",
}
TITLES = {
    "invoice": "Invoice", "commitment": "Commitment invoice", "prepayment": "Prepayment invoice", "debit_note": "Debit note",
    "credit_note": "Credit note",
}
_environment = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "templates"), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True,
)


def page_of(document: Document) -> str:
    """Return the page as HTML; everything that came from outside is escaped."""
    return _environment.get_template("invoice.html").render(
        document=document, title=TITLES[document.kind], money=lambda minor: _money(minor, document.currency), day=_day, quantity=_quantity,
        name_of=_name_of, single=_single,
    )


def _money(minor: int, code: str) -> str:
    """The amount in the currency's own decimals, its symbol where it has one."""
    return format_currency(to_decimal(minor, currency(code)), code, locale=LOCALE, decimal_quantization=False, currency_digits=True)


def _day(day: date | None) -> str:
    return format_date(day, "d MMMM y", locale=LOCALE) if day else "–"


def _quantity(quantity: Decimal) -> str:
    return format_decimal(quantity, format="#,##0.############", locale=LOCALE, decimal_quantization=False)


def _name_of(line: Line) -> str:
    name = line.description or line.key.replace("_", " ")
    return name[:1].upper() + name[1:]


def _single(line: Line) -> bool:
    """Whether one segment says no more than the line itself."""
    return len(line.segments) <= 1 and not any(segment.allowance or segment.group for segment in line.segments)
