"""Bounded: each line is held between its minimum and its maximum, exact."""

from collections.abc import Sequence
from decimal import Decimal

from shared.pricing.lines.bounds import Bounds
from shared.pricing.steps.gross import Gross

_ZERO = Decimal(0)


class Bounded(Gross, frozen=True, gc=False):
    """A line that its bounds changed, by `moved`: above zero up to its minimum, below zero down to its maximum."""

    moved: Decimal = _ZERO


def bound(gross: Sequence[Gross]) -> list[Gross]:
    return [line if line.line.bounds is None else _bounded(line, line.line.bounds) for line in gross]


def _bounded(gross: Gross, bounds: Bounds) -> Gross:
    exact = gross.exact
    if bounds.minimum is not None:
        exact = max(exact, bounds.minimum.exact)
    if bounds.maximum is not None:
        exact = min(exact, bounds.maximum.exact)
    if exact == gross.exact:
        return gross
    return Bounded(gross.line, gross.segments, gross.quantity, exact, exact - gross.exact)
