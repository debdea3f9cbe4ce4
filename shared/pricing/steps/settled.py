"""Settled: each line is rounded once, by its own clause or as all are; integers from here on."""

from collections.abc import Sequence

import msgspec

from shared.pricing.results import PricedLine
from shared.pricing.steps.gross import Gross
from shared.values.money import Currency, Rounding, round_to_step, to_minor


def settle_all(lines: Sequence[Gross], to: Currency, mode: Rounding) -> list[PricedLine]:
    return [_settled(line, to, mode) for line in lines]


def _settled(gross: Gross, to: Currency, mode: Rounding) -> PricedLine:
    exact, own = gross.exact, gross.line.last.clause.rounding
    if own is not None:
        exact = round_to_step(exact, *own.on(mode))
    minor = to_minor(exact, to, mode)
    return msgspec.structs.replace(
        gross.line.blank, quantity=gross.quantity, amount_minor=minor, segments=gross.segments
    )
