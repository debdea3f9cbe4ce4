"""Settled: each line is rounded once; integers from here on."""

from collections.abc import Sequence

from shared.pricing.results import PricedLine
from shared.pricing.steps.gross import Gross
from shared.values.money import Currency, Rounding, settle


def settle_all(lines: Sequence[Gross], to: Currency, mode: Rounding) -> list[PricedLine]:
    return [_settled(line, to, mode) for line in lines]


def _settled(gross: Gross, to: Currency, mode: Rounding) -> PricedLine:
    line, last = gross.line, gross.line.last
    return PricedLine(
        line_id=line.line_id,
        key=line.key,
        clause_id=last.clause_ids[0],
        clause_hash=last.hashes[0],
        version=last.version,
        kind=last.clause.kind,
        meter=last.clause.metered_by,
        description=last.clause.shown_as,
        quantity=gross.quantity,
        amount_minor=settle(gross.exact, to, mode).minor,
        segments=gross.segments,
    )
