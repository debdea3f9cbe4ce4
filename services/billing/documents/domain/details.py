"""The small print under a line of the page: unit prices, tiers, included units, and what rounding did."""

from collections.abc import Iterator, Mapping
from datetime import timedelta
from decimal import Decimal

from babel.dates import format_date
from babel.numbers import format_currency, format_decimal

from services.billing.documents.domain.document import Document, Line
from services.billing.documents.domain.steps import PricedPart
from shared.pricing.models.model import Part
from shared.values.instants import from_us
from shared.values.money import currency, to_decimal
from shared.values.period import local_date

LOCALE = "en_US"
#: Those of a price; a share of days has more, and is no round number anyway.
_DECIMALS_MAX = 20


def details_of(document: Document, line: Line, parts: tuple[PricedPart, ...]) -> list[str]:
    """Return one text a step, in order. Their amounts add up to the line's, a rounding included."""
    if line.kind == "minimum":
        return [
            f"lifts the charges of the period to the agreed minimum of {amount(_minor(document.subtotal_minor, document), document)}"
        ]
    if line.kind == "cap":
        return [
            f"brings the charges of the period down to the agreed maximum of {amount(_minor(document.subtotal_minor, document), document)}"
        ]
    exact = sum((part.segment.exact for part in parts), Decimal(0))
    settled = _minor(line.amount_minor, document)
    details = [
        f"{place}{text}"
        for part, place in zip(parts, _places(document, parts), strict=True)
        for text in _part(part, document)
    ]
    return (
        details
        if not parts or exact == settled
        else [*details, f"together {amount(exact, document)}, rounded to {amount(settled, document)}"]
    )


def amount(exact: Decimal, document: Document) -> str:
    """The amount with all its decimals and the currency's symbol."""
    exponent = exact.as_tuple().exponent
    shown = round(exact, 6) if isinstance(exponent, int) and -exponent > _DECIMALS_MAX else exact
    text = format_currency(
        shown, document.currency, locale=LOCALE, decimal_quantization=False, currency_digits=True
    )
    return text if shown == exact else f"about {text}"


def quantity(units: Decimal) -> str:
    return format_decimal(units, format="#,##0.############", locale=LOCALE, decimal_quantization=False)


def _part(part: PricedPart, document: Document) -> Iterator[str]:
    used, included = part.segment.quantity, part.segment.allowance
    if included:
        yield f"{quantity(used)} used, {quantity(included)} included or carried"
    if not part.steps:
        yield f"{quantity(part.segment.priced)} for {amount(part.segment.exact, document)}"
    for step in part.steps:
        yield f"{_step(step, document)} = {amount(step.amount, document)}"
    if part.earlier:
        yield f"less {quantity(part.earlier)} before the terms changed = {amount(-part.earlier_cost, document)}"


def _step(step: Part, document: Document) -> str:
    counted = f"{quantity(step.count)} × {amount(step.at, document)}"
    reach = (
        f" ({step.reach}{f' {quantity(step.bound)}' if step.bound is not None else ''})" if step.reach else ""
    )
    return f"{counted}{f' + {amount(step.flat, document)}' if step.flat else ''}{reach}"


def _places(document: Document, parts: tuple[PricedPart, ...]) -> list[str]:
    """What tells the segments of a line apart: their dimensions, and their days and version where terms
    changed."""
    changed = len({(part.segment.start_us, part.segment.version) for part in parts}) > 1
    return [
        "".join(
            f"{said} · "
            for said in [*_group(part.segment.group), *(_span(part, document) if changed else ())]
        )
        for part in parts
    ]


def _group(group: Mapping[str, str]) -> Iterator[str]:
    return (f"{name} {value}" for name, value in group.items())


def _span(part: PricedPart, document: Document) -> tuple[str, str]:
    first = local_date(from_us(part.segment.start_us), document.timezone)
    last = local_date(from_us(part.segment.end_us) - timedelta(microseconds=1), document.timezone)
    return (
        f"{format_date(first, 'd MMM', locale=LOCALE)} – {format_date(last, 'd MMM', locale=LOCALE)}",
        f"terms version {part.segment.version}",
    )


def _minor(minor: int, document: Document) -> Decimal:
    return to_decimal(minor, currency(document.currency))
