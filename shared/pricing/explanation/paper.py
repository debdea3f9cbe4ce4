"""Steps as a page or an e-mail has them: one text a step, with amounts, days and dimensions as people write them."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final

from babel.dates import format_date
from babel.numbers import format_currency, format_decimal

from shared.pricing.explanation.step import Step
from shared.pricing.explanation.words import Shown, text_of
from shared.values.period import local_date

LOCALE: Final = "en_US"
NOT_KEPT: Final = "How this amount came about was not kept: it was final before steps were."
#: Those of a price; a share of days has more, and is no round number anyway.
_DECIMALS_MAX: Final = 20
#: They begin a piece of the line: what follows is about the same days and dimensions.
_BEGIN: Final = ("quantity", "fee")


def line_text(
    name: str, quantity: Decimal, amount: Decimal, steps: Sequence[Step] | None, currency: str, timezone: str
) -> str:
    """Return a line and its steps as an e-mail has them, a text line each."""
    details = details_of(steps, currency, timezone)
    return "\n".join(
        [f"{name}: {units(quantity)}, {money(amount, currency)}", *(f"  {text}" for text in details)]
    )


def details_of(steps: Sequence[Step] | None, currency: str, timezone: str) -> list[str]:
    """Return the texts of a line's steps, in order; days are local to `timezone`. Their amounts add up to the line's, a
    rounding included. What the line says itself (its quantity; a rounding that changed nothing) is left out.

    Where steps were not kept (None), that is what is said.
    """
    if steps is None:
        return [NOT_KEPT]
    on_paper = shown_in(currency)
    pieces = {(step.inputs["start"], step.inputs["version"]) for step in steps if step.op in _BEGIN}
    place, details = "", []
    for step in steps:
        if step.op in _BEGIN:
            place = "".join(f"{said} · " for said in _place(step, timezone, spans=len(pieces) > 1))
        text = _detail(step, on_paper)
        if text is not None:
            details.append(place * (step.op != "settle") + text)
    return details


def shown_in(currency: str) -> Shown:
    """How numbers of a document in this currency are written."""
    return Shown(units, lambda exact: money(exact, currency), money)


def money(exact: Decimal, currency: str) -> str:
    """The amount with all its decimals and the currency's symbol."""
    exponent = exact.as_tuple().exponent
    shown = round(exact, 6) if isinstance(exponent, int) and -exponent > _DECIMALS_MAX else exact
    text = format_currency(shown, currency, locale=LOCALE, decimal_quantization=False, currency_digits=True)
    return text if shown == exact else f"about {text}"


def units(quantity: Decimal) -> str:
    return format_decimal(quantity, format="#,##0.############", locale=LOCALE, decimal_quantization=False)


def _detail(step: Step, on_paper: Shown) -> str | None:
    if step.op == "quantity" or (step.op == "settle" and not step.amount):
        return None
    text = text_of(step, on_paper)
    if step.op == "settle":
        return f"together {text}"
    amount = None if step.amount is None else on_paper.price(step.amount)
    return text if amount in (None, text) else f"{text} = {amount}"


def _place(step: Step, timezone: str, *, spans: bool) -> Iterator[str]:
    """What tells the pieces of a line apart: their dimensions, and their days and version where terms changed."""
    group = step.inputs.get("group")
    if isinstance(group, Mapping):
        yield from (f"{name} {value}" for name, value in group.items())
    if spans:
        start, end = (datetime.fromisoformat(str(step.inputs[name])) for name in ("start", "end"))
        first, last = (local_date(instant, timezone) for instant in (start, end - timedelta(microseconds=1)))
        yield f"{format_date(first, 'd MMM', locale=LOCALE)} – {format_date(last, 'd MMM', locale=LOCALE)}"
        yield f"terms version {step.inputs['version']}"
