"""Difference: what a document that is made now asks for: the period as it is priced, less what its earlier documents
asked for and what was waived, line by line."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from types import MappingProxyType
from typing import Final

from shared.pricing.results import LineAsked, PricedLine

Asked = Mapping[str, LineAsked]
"""Line id → what of it is asked for; a line that is absent is not asked for."""
NOTHING: Final[Asked] = MappingProxyType({})
_NONE: Final = LineAsked(0, Decimal(0))


def difference(now: Sequence[PricedLine], before: Asked) -> Asked:
    """Return the lines that differ, by how much; one that is no longer there is taken back whole."""
    if not before:
        return {
            line.line_id: LineAsked(line.amount_minor, line.quantity)
            for line in now
            if line.amount_minor or line.quantity
        }
    asked = {line.line_id: LineAsked(line.amount_minor, line.quantity) for line in now}
    less = {name: _less(asked.get(name, _NONE), before.get(name, _NONE)) for name in [*asked, *before]}
    return {name: line for name, line in less.items() if line.amount_minor or line.quantity}


def _less(now: LineAsked, before: LineAsked) -> LineAsked:
    return LineAsked(now.amount_minor - before.amount_minor, now.quantity - before.quantity)
