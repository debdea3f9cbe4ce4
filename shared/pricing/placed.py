"""A line in a period."""

from collections.abc import Sequence
from decimal import Decimal, localcontext
from typing import Generic, TypeVar

import msgspec

from shared.pricing.effective import Effective
from shared.pricing.lines import LineClause
from shared.pricing.lines.bounds import Bounds
from shared.pricing.needs import Totals
from shared.pricing.results import PricedLine, PricedSegment
from shared.values.decimals import EXACT

L = TypeVar("L", bound=LineClause)
L_co = TypeVar("L_co", bound=LineClause, covariant=True)


class Placed(msgspec.Struct, Generic[L_co], frozen=True, gc=False):
    """The stretches in which a line reads the same, its id, the usage they need (that of each stretch, or none at
    all), what its amount is held between, and the usage they need as it was before proration (`full`).

    `last` is the line as it was last in force, which names the whole; `blank` is how it is shown, before it comes to
    anything. `segments` are all that a line comes to that needs no usage. `as_counted`: usage that is not below zero is
    priced as it was counted, all of it.
    """

    key: str
    stretches: tuple[Effective[L_co], ...]
    line_id: str
    needs: tuple[Totals, ...]
    bounds: Bounds | None
    last: Effective[L_co]
    blank: PricedLine
    segments: tuple[PricedSegment, ...] = ()
    full: tuple[Totals, ...] = ()
    as_counted: bool = False


def place(stretches: Sequence[Effective[L]], line_id: str, bounds: Bounds | None) -> Placed[L]:
    """Return the line that reads so in these stretches."""
    last = stretches[-1]
    needs: list[Totals] = []
    full: list[Totals] = []
    for one in stretches:
        needs += one.clause.needs(one.start, one.end)
        full += one.clause.full_needs(one.start, one.end)
    return Placed(
        last.clause.key,
        tuple(stretches),
        line_id,
        tuple(needs),
        bounds,
        last,
        _blank(last, line_id),
        () if needs else _segments(stretches),
        tuple(full),
        len(stretches) == 1 and not full and not last.allowance and last.clause.as_counted,
    )


def _segments(stretches: Sequence[Effective[LineClause]]) -> tuple[PricedSegment, ...]:
    with localcontext(EXACT):
        return tuple(type(stretches[-1].clause).gross(stretches, ()))


def _blank(last: Effective[LineClause], line_id: str) -> PricedLine:
    return PricedLine(
        line_id=line_id,
        key=last.clause.key,
        clause_id=last.clause_ids[0],
        clause_hash=last.hashes[0],
        version=last.version,
        kind=last.clause.kind,
        meter=last.clause.metered_by,
        description=last.clause.shown_as,
        quantity=Decimal(0),
        amount_minor=0,
    )
