"""Discounts."""

from collections.abc import Iterator, Sequence
from typing import Final

from shared.pricing.applies_to import unknown_names
from shared.pricing.discount import Discount, Span
from shared.pricing.faults import Fault
from shared.pricing.lines import KINDS, Line

DISCOUNTS_MAX: Final = 200


def faults_of_discounts(spans: Sequence[Span], lines: Sequence[Line]) -> list[Fault]:
    """Return what is wrong between a discount's own dates, and between it and the lines of its terms."""
    known = KINDS.keys() | {line.key for line in lines}
    return [
        Fault(("discounts", index, *fault.at), fault.code, fault.detail)
        for index, span in enumerate(spans)
        for fault in (
            *_over_before_it_begins(span),
            *unknown_names(span.discount.applies_to, known),
            *_units_of_nothing(span.discount, lines),
        )
    ]


def _over_before_it_begins(span: Span) -> Iterator[Fault]:
    if span.begins and span.ends and span.ends <= span.begins:
        detail = f"It is over before it begins, {span.discount.from_}; write a later day or instant."
        yield Fault(("until",), "until_before_from", detail)


def _units_of_nothing(discount: Discount, lines: Sequence[Line]) -> Iterator[Fault]:
    """A kind that it names may have no line yet."""
    for index, name in enumerate(discount.applies_to or ()):
        meant = [line for line in lines if name in (line.key, line.kind)]
        if discount.units is not None and meant and not any(line.metered_by for line in meant):
            detail = f"{name} counts no units; write a percent or an amount, or name a usage line."
            yield Fault(("applies_to", index), "no_units", detail)
