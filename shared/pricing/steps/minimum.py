"""The spending minimum: a top-up line where the settled lines of the period stay below it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from itertools import pairwise

from shared.pricing.explanation import Explanation
from shared.pricing.language import Phase
from shared.pricing.lines import TOP_UP
from shared.pricing.results import PricedLine
from shared.pricing.spans import Span
from shared.pricing.steps.draft import Draft
from shared.pricing.steps.settlement import settle_line
from shared.values.ids import clause_id, line_id
from shared.values.money import Currency, Rounding, settle, share, to_decimal
from shared.values.period import ServicePeriod

_ZERO = Decimal(0)
KEY = "minimum_spend"


@dataclass(frozen=True, slots=True)
class _PhaseDays:
    """A phase, the version that holds it, and how many days of the period it covers."""

    phase: Phase
    version: int
    days: int


def top_up(
    contract: str,
    spans: Sequence[Span],
    lines: Sequence[PricedLine],
    period: ServicePeriod,
    to: Currency,
    mode: Rounding,
    explanation: Explanation,
) -> PricedLine | None:
    """Return the line that lifts the settled lines to the minimum, or None. Each phase counts by the days it
    is in force."""
    phases = [phase for span in spans for phase in _phases(span) if phase.days]
    exact = sum((share(phase.phase.minimum_spend, phase.days, period.whole_days) for phase in phases), _ZERO)
    missing = settle(exact, to, mode).minor - sum(line.amount_minor for line in lines)
    if not phases or missing <= 0:
        return None
    last = phases[-1]
    clause = clause_id(contract, "phases", last.phase.from_.isoformat())
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
        line_id(contract, clause, period.start, draft.kind), draft, to, mode, Explanation(wanted=False)
    )


def _phases(span: Span) -> Iterator[_PhaseDays]:
    """Yield the phases of the version in force with the days of the span each covers."""
    phases = span.in_force.terms.phases
    ends = [later.from_ for _, later in pairwise(phases)] + [date.max]
    for phase, end in zip(phases, ends, strict=False):
        first, last = max(phase.from_, span.first_day), min(end, span.end_day)
        yield _PhaseDays(phase, span.in_force.version, max(0, (last - first).days))
