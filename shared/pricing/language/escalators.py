"""Escalators."""

from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Final

from shared.pricing.applies_to import unknown_names
from shared.pricing.escalator import MINIMUM_SPEND, Escalation, Escalator, PriceOutOfBounds, raised_by
from shared.pricing.faults import Fault
from shared.pricing.language.term import Term
from shared.pricing.lines import KINDS, Line

ESCALATORS_MAX: Final = 20


def faults_of_escalators(escalators: Sequence[Escalator], lines: Sequence[Line], term: Term) -> list[Fault]:
    """Return what is wrong between escalators and the lines and the term of their terms: to its end, prices stay above
    zero and within the digits of a price."""
    known = {MINIMUM_SPEND, *KINDS, *(line.key for line in lines)}
    last_day = term.end - timedelta(days=1)
    at_last = [Escalation(one, "", one.times_on(last_day, term.start)) for one in escalators]
    return [
        Fault(("escalators", index, *fault.at), fault.code, fault.detail)
        for index, one in enumerate(escalators)
        for fault in (
            *unknown_names(one.applies_to, known),
            *_nothing_left(at_last[index]),
            *_out_of_bounds(at_last[: index + 1], lines),
        )
    ]


def _nothing_left(last: Escalation) -> Iterator[Fault]:
    if last.factor <= 0:
        detail = f"After {last.times} steps nothing is left of a price; write kind: compound, or fewer steps."
        yield Fault(("percent",), "nothing_left", detail)


def _out_of_bounds(last: Sequence[Escalation], lines: Sequence[Line]) -> Iterator[Fault]:
    for line in lines:
        raising = [one for one in last if one.clause.is_of(line.key, line.kind)]
        try:
            line.escalated(raised_by(raising))
        except PriceOutOfBounds as fault:
            detail = f"{fault.detail} That is within the term, on {line.key}; write a lower percent."
            yield Fault(("percent",), "price_out_of_bounds", detail)
            return
