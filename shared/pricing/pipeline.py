"""The order in which a period is priced. Each step is one file of `steps`; the numbers are those of the
pricing rules.

1 quantity, 2 allowance, 3 price (steps/usage.py, steps/recurring.py), 6 settle (steps/settlement.py), 7
minimum (steps/minimum.py). Discounts (4, 5) slot in where a Draft is made, commitments and credits (8, 9)
where the settled lines are at hand.
"""

from collections.abc import Sequence
from decimal import Decimal, localcontext

from shared.pricing.explanation import Explanation
from shared.pricing.inputs import EMPTY, Balances, VersionInForce
from shared.pricing.language import Terms
from shared.pricing.layout import Layout, layout_of
from shared.pricing.needs import Totals, Usage
from shared.pricing.results import PricedLine, PricedPeriod
from shared.pricing.steps.minimum import top_up
from shared.pricing.steps.recurring import price_recurring
from shared.pricing.steps.settlement import settle_line
from shared.pricing.steps.usage import price_usage
from shared.values.decimals import EXACT
from shared.values.groups import Group
from shared.values.period import ServicePeriod


def usage_needs(chain: Sequence[VersionInForce], period: ServicePeriod) -> tuple[Totals, ...]:
    """Return the usage to read before pricing: one need for each usage line and segment."""
    return layout_of(chain, period).needs


def price_period(
    chain: Sequence[VersionInForce],
    period: ServicePeriod,
    usage: Usage,
    opening: Balances = EMPTY,
    *,
    explain: bool = False,
) -> PricedPeriod:
    """Return the settled lines of a service period; the same inputs give the same cents and the same ids.

    `usage` holds every need of `usage_needs`; a group that is absent counts zero. A line without usage is a
    line of zero. Raises UsageMissing and UsageWithoutRate: a failed look-up fails the whole period, never
    bills a part.
    """
    layout = layout_of(chain, period)
    terms = layout.terms
    if terms is None:
        return PricedPeriod((), 0, opening)
    with localcontext(EXACT):
        return _price(layout, terms, usage, opening, Explanation(wanted=explain))


def _price(
    layout: Layout,
    terms: Terms,
    usage: Usage,
    opening: Balances,
    explanation: Explanation,
) -> PricedPeriod:
    to, mode = terms.money, terms.billing.rounding_mode
    carried: dict[tuple[str, Group], Decimal] = {}
    lines: list[PricedLine] = []
    for fee in layout.recurring:
        lines.append(settle_line(fee.line_id, price_recurring(fee, explanation), to, mode, explanation))
    for line in layout.usage:
        opened = {group: quantity for (key, group), quantity in opening.carried.items() if key == line.key}
        draft, left = price_usage(line, usage, opened, explanation)
        carried.update({(line.key, group): quantity for group, quantity in left.items()})
        lines.append(settle_line(line.line_id, draft, to, mode, explanation))
    minimum = top_up(layout.minimum, lines, explanation) if layout.minimum else None
    lines += [minimum] if minimum else []
    return PricedPeriod(
        tuple(lines),
        sum([line.amount_minor for line in lines]),
        Balances(carried) if carried else EMPTY,
        tuple(explanation.steps),
    )
