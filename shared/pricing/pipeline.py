"""The order in which a period is priced: a stage hands over to the next, each in a file of `steps`; the numbers are
those of the pricing rules.

1 measured, 2 covered, 3 gross, 6 settled, 7 floor, 12 difference. Nothing has terms for the others yet: discounts (4)
and bounds (5) come between gross and settled, commitments (8), credits (9) and closing (10) between floor and
difference.
"""

from collections.abc import Sequence
from decimal import localcontext

from shared.pricing.balances import EMPTY, Balances, UnitsBelowZero
from shared.pricing.explanation.step import Step
from shared.pricing.inputs import VersionInForce
from shared.pricing.layout import layout_of
from shared.pricing.needs import Totals, Usage
from shared.pricing.results import PricedPeriod
from shared.pricing.steps.covered import Covered, cover
from shared.pricing.steps.difference import NOTHING, Asked, difference
from shared.pricing.steps.explained import explain_floor, explain_lines
from shared.pricing.steps.floor import lift
from shared.pricing.steps.gross import price
from shared.pricing.steps.measured import measure
from shared.pricing.steps.settled import settle_all
from shared.values.decimals import EXACT
from shared.values.period import ServicePeriod


def usage_needs(chain: Sequence[VersionInForce], period: ServicePeriod) -> tuple[Totals, ...]:
    """Return the usage to read before pricing: what each stretch of each usage line needs."""
    return layout_of(chain, period).needs


def price_period(
    chain: Sequence[VersionInForce],
    period: ServicePeriod,
    usage: Usage,
    opening: Balances = EMPTY,
    *,
    before: Asked = NOTHING,
    explain: bool = False,
) -> PricedPeriod:
    """Return the settled lines of a service period; the same inputs give the same cents and the same ids.

    `usage` holds every need of `usage_needs`; a group that is absent counts zero. A line without usage is a
    line of zero. `before` is what earlier documents of the period ask for. Raises UsageMissing and
    UsageWithoutRate: a failed look-up fails the whole period, never bills a part.
    """
    layout = layout_of(chain, period)
    if layout.terms is None:
        return PricedPeriod((), 0, difference((), before), opening)
    to, mode = layout.terms.money, layout.terms.billing.rounding_mode
    with localcontext(EXACT):
        measured = measure(layout.lines, usage)
        covered = cover(measured, opening)
        gross = price(covered)
        settled = settle_all(gross, to, mode)
        lines = lift(settled, layout.minimum)
        explanation: dict[str, tuple[Step, ...]] = {}
        if explain:
            explanation.update(explain_lines(covered, gross, settled, to, mode))
            explanation.update(explain_floor(lines, layout.minimum) if layout.minimum else ())
    return PricedPeriod(
        tuple(lines),
        sum([line.amount_minor for line in lines]),
        difference(lines, before),
        _closing(covered),
        explanation,
    )


def _closing(covered: Sequence[Covered]) -> Balances:
    """Return what the period hands to the next."""
    rows = [
        UnitsBelowZero(line.line.key, group, units)
        for line in covered
        for group, units in line.below_zero.items()
    ]
    return Balances(tuple(rows)) if rows else EMPTY
