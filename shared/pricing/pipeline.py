"""The order in which a period is priced: a stage hands over to the next, each in a file of `steps`; the numbers are
those of the pricing rules.

1 measured, 2 covered, 3 gross, 4 discounted, 5 bounded, 6 settled, 7 floor and cap, 8 committed, 9 credited, 10 closed,
12 difference.
"""

from collections.abc import Sequence
from decimal import localcontext
from typing import NamedTuple

import msgspec

from shared.pricing.balances import EMPTY, Balances, UnitsBelowZero, UnitsRolledOver
from shared.pricing.blocks import Block
from shared.pricing.explanation.step import Step
from shared.pricing.facts import NO_FACTS, Facts
from shared.pricing.inputs import VersionInForce
from shared.pricing.layout import Layout
from shared.pricing.layouts import layout_of
from shared.pricing.lines import LineClause
from shared.pricing.needs import Totals, Usage
from shared.pricing.placed import Placed
from shared.pricing.results import PricedLine, PricedPeriod
from shared.pricing.steps.bounded import bound, bound_before_discounts
from shared.pricing.steps.cap import Capped, cap
from shared.pricing.steps.covered import Covered, cover
from shared.pricing.steps.difference import difference
from shared.pricing.steps.discounted import discount
from shared.pricing.steps.explained import explain_cap, explain_floor, explain_lines
from shared.pricing.steps.explained_balances import explain_paid
from shared.pricing.steps.floor import lift
from shared.pricing.steps.gross import Gross, price
from shared.pricing.steps.measured import measure
from shared.pricing.steps.paid import Paid, pay
from shared.pricing.steps.settled import settle_all
from shared.values.decimals import EXACT
from shared.values.period import ServicePeriod


def usage_needs(
    chain: Sequence[VersionInForce], period: ServicePeriod, blocks: Sequence[Block] = ()
) -> tuple[Totals, ...]:
    """Return the usage to read before pricing: what each stretch of each usage line needs, and what each needs up to
    where a block begins or ends. `blocks` are those that it will be opened with."""
    return layout_of(chain, period, blocks).needs


def price_period(
    chain: Sequence[VersionInForce],
    period: ServicePeriod,
    usage: Usage,
    opening: Balances = EMPTY,
    *,
    facts: Facts = NO_FACTS,
    explain: bool = False,
) -> PricedPeriod:
    """Return the settled lines of a service period; the same inputs give the same cents and the same ids.

    `usage` holds every need of `usage_needs`; a group that is absent counts zero. A line without usage is a
    line of zero. `facts` are what earlier documents of the period ask for and draw. Raises UsageMissing and
    UsageWithoutRate: a failed look-up fails the whole period, never bills a part.
    """
    layout = layout_of(chain, period, opening.blocks)
    if layout.terms is None:
        return PricedPeriod((), 0, difference((), facts.asked), opening)
    with localcontext(EXACT):
        whole = _settled(layout.lines, layout, usage, opening)
        capped = cap(lift(whole.settled, layout.minimum), layout.cap)
        cuts = [
            (cut.at, cap(_settled(cut.lines, layout, usage, opening).settled, layout.cap).left)
            for cut in layout.cuts
        ]
        paid = pay(capped.left, cuts, layout, opening, facts)
        lines = (*capped.lines, *paid.lines)
        explanation = _explained(whole, capped, paid, layout) if explain else {}
    return PricedPeriod(
        lines,
        sum([line.amount_minor for line in lines]),
        difference(lines, facts.asked),
        _closing(whole.covered, paid.closing),
        explanation,
        paid.draws,
        paid.blocks,
        paid.changes,
        paid.left,
        paid.short,
    )


class _Lines(NamedTuple):
    """What the stages up to settled hand over, a line each."""

    covered: list[Covered]
    before: Sequence[Gross]  # discounts
    discounted: Sequence[Gross]
    bounded: Sequence[Gross]
    settled: list[PricedLine]


def _settled(lines: Sequence[Placed[LineClause]], layout: Layout, usage: Usage, opening: Balances) -> _Lines:
    """Take lines through the stages up to settled: those of the period, or as they count at an instant within it."""
    assert layout.terms is not None
    to, mode = layout.terms.money, layout.terms.billing.rounding_mode
    covered = cover(measure(lines, usage), opening, layout.discounts)
    before = price(covered)
    before = bound_before_discounts(before) if layout.bounded else before
    discounted = discount(before, layout.discounts, to)
    bounded = bound(before, discounted) if layout.bounded else discounted
    return _Lines(covered, before, discounted, bounded, settle_all(bounded, to, mode))


def _explained(whole: _Lines, capped: Capped, paid: Paid, layout: Layout) -> dict[str, tuple[Step, ...]]:
    """Return the steps that lead to each line, by its id."""
    assert layout.terms is not None
    found = dict(explain_lines(*whole, layout.terms))
    found.update(explain_floor(capped.lines, layout.minimum) if layout.minimum else ())
    found.update([explain_cap(capped, layout.cap)] if layout.cap and capped.cut else ())
    for line_id, step in explain_paid(paid, (*capped.lines, *paid.lines), layout):
        found[line_id] = (*found.get(line_id, ()), step)
    return found


def _closing(covered: Sequence[Covered], paid: Balances) -> Balances:
    """Return what the period hands to the next."""
    below_zero: list[UnitsBelowZero] = []
    rolled_over: list[UnitsRolledOver] = []
    for line in covered:
        if line.below_zero:
            key = line.line.key
            below_zero += [UnitsBelowZero(key, *row) for row in line.below_zero.items()]
        if line.rolled_over:
            rolled_over.append(UnitsRolledOver(line.line.key, line.rolled_over))
    if not below_zero and not rolled_over:
        return paid
    return msgspec.structs.replace(paid, below_zero=tuple(below_zero), rolled_over=tuple(rolled_over))
