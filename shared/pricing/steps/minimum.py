"""The spending minimum: a top-up line where the settled lines of the period stay below it."""

from collections.abc import Sequence
from decimal import Decimal

from shared.pricing.explanation import Explanation
from shared.pricing.lines import TOP_UP
from shared.pricing.phases import minimum_of, phases_by_days
from shared.pricing.results import PricedLine
from shared.pricing.spans import Span
from shared.pricing.steps.draft import Draft
from shared.pricing.steps.settlement import settle_line
from shared.values.ids import clause_id, line_id
from shared.values.money import settle, to_decimal
from shared.values.period import ServicePeriod

KEY = "minimum_spend"


def top_up(
    spans: Sequence[Span], lines: Sequence[PricedLine], period: ServicePeriod, explanation: Explanation
) -> PricedLine | None:
    """Return the line that lifts the settled lines to the minimum, or None. Each phase counts by the days it
    is in force."""
    terms = spans[-1].in_force.terms
    to, mode = terms.money, terms.billing.rounding_mode
    phases = list(phases_by_days(spans))
    exact = minimum_of(phases, period)
    missing = settle(exact, to, mode).minor - sum(line.amount_minor for line in lines)
    if not phases or missing <= 0:
        return None
    last = phases[-1]
    clause = clause_id(terms.contract, "phases", last.phase.from_.isoformat())
    amount = to_decimal(missing, to)
    explanation.add(
        "minimum", clause, f"top-up to the minimum of {settle(exact, to, mode)} {to.code}", amount=amount
    )
    draft = Draft(
        key=KEY,
        kind=TOP_UP,
        clause_id=clause,
        clause_hash=last.phase.hash,
        version=last.version,
        description="Top-up to the minimum spend",
        quantity=Decimal(1),
        exact=amount,
    )
    return settle_line(
        line_id(terms.contract, clause, period.start, draft.kind), draft, to, mode, Explanation(wanted=False)
    )
