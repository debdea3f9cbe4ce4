"""Settled: each line is rounded once; integers from here on."""

from collections.abc import Sequence

import msgspec

from shared.pricing.results import PricedLine
from shared.pricing.steps.gross import Gross
from shared.values.money import Currency, Rounding, to_minor


def settle_all(lines: Sequence[Gross], to: Currency, mode: Rounding) -> list[PricedLine]:
    return [_settled(line, to, mode) for line in lines]


def _settled(gross: Gross, to: Currency, mode: Rounding) -> PricedLine:
    return msgspec.structs.replace(
        gross.line.blank,
        quantity=gross.quantity,
        amount_minor=to_minor(gross.exact, to, mode),
        segments=gross.segments,
    )
