"""Settled: each line is rounded once, by its own clause or as all are; integers from here on."""

from collections.abc import Sequence
from decimal import Decimal

import msgspec

from shared.pricing.lines import LineClause
from shared.pricing.results import PricedLine
from shared.pricing.steps.gross import Gross
from shared.values.money import Currency, Rounding, round_to_step, to_minor


def settle_all(lines: Sequence[Gross], to: Currency, mode: Rounding) -> list[PricedLine]:
    return [_settled(line, to, mode) for line in lines]


def _settled(gross: Gross, to: Currency, mode: Rounding) -> PricedLine:
    return msgspec.structs.replace(
        gross.line.blank,
        quantity=gross.quantity,
        amount_minor=to_minor(rounded_by(gross.line.last.clause, gross.exact, mode), to, mode),
        segments=gross.segments,
    )


def rounded_by(clause: LineClause, exact: Decimal, mode: Rounding) -> Decimal:
    """Return the amount as the line's own rounding leaves it, in whole minor units; without one as it is."""
    if clause.rounding is None:
        return exact
    return round_to_step(exact, *clause.rounding.on(mode))
