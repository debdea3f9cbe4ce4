"""Bounded: each line is held between its minimum and its maximum, exact. What is measured before discounts has its
maximum before them, so that they are taken of what it leaves."""

from collections.abc import Sequence
from decimal import Decimal

from shared.pricing.bound import Bound
from shared.pricing.steps.gross import Gross

_ZERO = Decimal(0)


class Bounded(Gross, frozen=True, gc=False):
    """A line that a bound changed, by `moved`: above zero up to its minimum, below zero down to its maximum, from the
    `measured` amount."""

    measured: Decimal = _ZERO
    moved: Decimal = _ZERO


def bound_before_discounts(gross: Sequence[Gross]) -> list[Gross]:
    return [
        _held(line, line.exact, None, line.line.bounds.maximum)
        if line.line.bounds is not None and line.line.bounds.before_discounts
        else line
        for line in gross
    ]


def bound(before: Sequence[Gross], discounted: Sequence[Gross]) -> list[Gross]:
    """`before` are the lines that the discounts were taken of."""
    return [
        line if line.line.bounds is None else _bounded(gross, line)
        for gross, line in zip(before, discounted, strict=True)
    ]


def _bounded(gross: Gross, line: Gross) -> Gross:
    bounds = line.line.bounds
    assert bounds is not None
    if bounds.before_discounts:
        return _held(line, gross.exact, bounds.minimum, None)
    return _held(line, line.exact, bounds.minimum, bounds.maximum)


def _held(line: Gross, measured: Decimal, minimum: Bound | None, maximum: Bound | None) -> Gross:
    held = measured if minimum is None else max(measured, minimum.exact)
    held = held if maximum is None else min(held, maximum.exact)
    moved = held - measured
    if not moved:
        return line
    return Bounded(line.line, line.segments, line.quantity, line.exact + moved, measured, moved)
