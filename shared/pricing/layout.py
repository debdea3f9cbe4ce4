"""What a contract and a service period fix before any usage is known: the lines that fall into it, their
names, the usage they need, and what is charged at least and at most.

A statement is priced again whenever usage comes in, and none of this changes in between, so it is worked out
once and kept (`layouts.py`).
"""

from collections.abc import Container, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple

import msgspec

from shared.errors import AppError
from shared.pricing.blocks import Block, in_order
from shared.pricing.blocks.agreed import NOTHING_AGREED, Agreed, agreed_in
from shared.pricing.bound import Bound, at_least, at_most
from shared.pricing.clause import Clause
from shared.pricing.effective import Effective
from shared.pricing.in_force import (
    L,
    Stretch,
    effective_caps,
    effective_lines,
    effective_phases,
    stretches_of,
)
from shared.pricing.inputs import VersionInForce
from shared.pricing.language import Phase, SpendCap, Terms
from shared.pricing.lines import CAP, KINDS, TOP_UP, LineClause
from shared.pricing.lines.bounds import bounds_of
from shared.pricing.needs import Totals
from shared.pricing.own_periods import Span, own_spans
from shared.pricing.placed import Placed, place
from shared.pricing.placed_discounts import PlacedDiscount, place_discounts
from shared.values.ids import line_id
from shared.values.money import Money, settle
from shared.values.period import ServicePeriod

CUTS_MAX = 400


class TooManyEdges(AppError):
    """Blocks begin and end within a period too often for it to be priced slice by slice."""


@dataclass(frozen=True, slots=True)
class SpendBound:
    """The least or the most that a period is charged, exact and settled; `last` is what says so at the period's end."""

    exact: Decimal
    settled: Money
    last: Effective[Clause]
    line_id: str


class Cut(NamedTuple):
    """The lines as they count at an instant within the period."""

    at: datetime
    lines: tuple[Placed[LineClause], ...]


class Layout(msgspec.Struct, frozen=True):
    """The lines of a period, kind after kind, as the version last in force writes them, then those of earlier
    versions.

    `terms` are those last in force; None: no version is in force, and nothing is charged. `bounded`: a line has a minimum
    or a maximum. `credits` are the blocks of credits, and those that no clause makes, as they are drawn on. `as_written`:
    terms write the lines in this order too, as far as commitments ask.
    """

    terms: Terms | None
    versions: tuple[int, ...]
    start: datetime
    end: datetime
    lines: tuple[Placed[LineClause], ...] = ()
    minimum: SpendBound | None = None
    cap: SpendBound | None = None
    needs: tuple[Totals, ...] = ()
    agreed: Agreed = NOTHING_AGREED
    credits: tuple[Block, ...] = ()
    ended: bool = True
    cuts: tuple[Cut, ...] = ()
    discounts: tuple[PlacedDiscount, ...] = ()
    bounded: bool = False
    as_written: bool = True

    @property
    def pieces(self) -> int:
        """How much it keeps: itself, each stretch of each line, also of those of its cuts, and each block."""
        found = 1 + len(self.credits) + len(self.agreed.promises) + len(self.agreed.credits)
        for lines in (self.lines, *[cut.lines for cut in self.cuts]):
            found += sum([len(line.stretches) for line in lines])
        return found


def lay_out(chain: Sequence[VersionInForce], period: ServicePeriod, blocks: Sequence[Block]) -> Layout:
    """Return the layout of a period under these versions of a contract, and with these blocks beside those of its
    clauses. Raises TooManyEdges."""
    stretches = stretches_of(chain, period)
    if not stretches:
        return Layout(None, (), period.start, period.end)
    terms = stretches[-1].in_force.terms
    own = own_spans(chain, terms, period)
    lines = _lines((Span(period, stretches), *own), period)
    agreed = agreed_in(chain, terms, period)
    cuts = _cuts(lines, [*(one.block for one in agreed.promises), *agreed.credits, *blocks], period)
    asked: list[Totals] = []
    for some in (lines, *(cut.lines for cut in cuts)):
        for line in some:
            asked += line.needs
            asked += line.full
    return Layout(
        terms,
        tuple(sorted({stretch.in_force.version for stretch in stretches})),
        period.start,
        period.end,
        lines,
        _minimum(terms, effective_phases(stretches, period), period),
        _cap(terms, effective_caps(stretches, period), period),
        tuple(dict.fromkeys(asked)) if cuts else tuple(asked),
        agreed,
        tuple(in_order([*agreed.credits, *blocks], terms.draw_order)) if agreed.credits or blocks else (),
        period.ended,
        cuts,
        place_discounts(stretches, lines, period, [one for span in own for one in span.stretches]),
        bool([line for line in lines if line.bounds is not None]),
        not agreed.promises or _as_written(lines, terms),
    )


def _as_written(lines: Sequence[Placed[LineClause]], terms: Terms) -> bool:
    places, last = terms.places, len(terms.lines)
    found = [places.get(line.key, last) for line in lines]
    return found == sorted(found)


def _cuts(
    lines: Sequence[Placed[LineClause]], blocks: Sequence[Block], period: ServicePeriod
) -> tuple[Cut, ...]:
    """Cut the period where a block begins or ends within it. What is due at its end, such as a minimum, is no part of a
    cut."""
    if not blocks:
        return ()
    ends = {instant for block in blocks for instant in (block.effective, block.ends) if instant is not None}
    inside = sorted(instant for instant in ends if period.start < instant < period.end)
    if len(inside) > CUTS_MAX:
        raise TooManyEdges(
            f"Blocks begin and end at {len(inside)} instants between {period.start_date} and {period.end_date}, and at "
            f"most {CUTS_MAX} are priced; refill credits less often, or let fewer blocks begin within a period."
        )
    return tuple(Cut(instant, tuple(_counted_by(lines, instant))) for instant in inside)


def _counted_by(lines: Sequence[Placed[LineClause]], instant: datetime) -> Iterator[Placed[LineClause]]:
    for line in lines:
        stretches = type(line.last.clause).up_to(line.stretches, instant)
        if stretches:
            yield place(stretches, line.line_id, line.bounds.at_most if line.bounds else None)


def _lines(spans: Sequence[Span], period: ServicePeriod) -> tuple[Placed[LineClause], ...]:
    """Return what is due in the period, kind after kind, each of a name of its own."""
    found: dict[str, Placed[LineClause]] = {}
    for kind in KINDS.values():
        for span in spans:
            for key in _keys(span.stretches, kind):
                line = _placed(key, span, kind, period, found)
                if line is not None:
                    found[line.line_id] = line
    return tuple(found.values())


def _placed(
    key: str, span: Span, kind: type[L], period: ServicePeriod, named: Container[str]
) -> Placed[L] | None:
    """None: it is not due in the period. A second period of the line's own that ends in this one has another name than the
    first, which is called after this one."""
    found = effective_lines(span.stretches, key, kind, span.period, span.own_months)
    if not found:
        return None
    contract, last, bounds = span.stretches[-1].in_force.terms.contract, found[-1], bounds_of(found)
    name = line_id(contract, last.clause_ids[0], period.start, last.clause.kind)
    if name in named:
        own = f"{last.clause.kind}:{span.own_months}"
        name = line_id(contract, last.clause_ids[0], span.period.start, own)
    return place(found, name, bounds if period.ended or bounds is None else bounds.at_most)


def _minimum(terms: Terms, phases: Sequence[Effective[Phase]], period: ServicePeriod) -> SpendBound | None:
    """Due at the end of the period."""
    if not period.ended or not phases:
        return None
    found = at_least([(one.clause.minimum_spend, one.days) for one in phases], period.whole_days)
    stated = [one for one in phases if one.clause.minimum_spend is not None]
    return _spend_bound(found, stated, TOP_UP, terms, period)


def _cap(terms: Terms, caps: Sequence[Effective[SpendCap]], period: ServicePeriod) -> SpendBound | None:
    if not caps:
        return None
    found = at_most([(one.clause.spend_per_period, one.days) for one in caps], period.whole_days)
    return _spend_bound(found, caps, CAP, terms, period)


def _spend_bound(
    found: Bound | None, stated: Sequence[Effective[Clause]], kind: str, terms: Terms, period: ServicePeriod
) -> SpendBound | None:
    if found is None:
        return None
    last, exact = stated[-1], found.exact
    name = line_id(terms.contract, last.clause_ids[0], period.start, kind)
    return SpendBound(exact, settle(exact, terms.money, terms.billing.rounding_mode), last, name)


def _keys(stretches: Sequence[Stretch], kind: type[LineClause]) -> list[str]:
    """Return the keys of a kind of line as the version last in force writes them, then those of earlier
    versions."""
    keys: dict[str, None] = {}
    for stretch in reversed(stretches):
        keys |= dict.fromkeys(stretch.in_force.terms.keys_of.get(kind, ()))
    return list(keys)
