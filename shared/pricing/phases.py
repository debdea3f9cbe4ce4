"""Phases by days: which one is in force on how many days of a period, and what they guarantee together."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from itertools import pairwise

from shared.pricing.language import Phase
from shared.pricing.spans import Span
from shared.values.money import share
from shared.values.period import ServicePeriod


@dataclass(frozen=True, slots=True)
class PhaseDays:
    """A phase, the version that holds it, and how many days of the period it covers, one or more."""

    phase: Phase
    version: int
    days: int


def phases_by_days(spans: Sequence[Span]) -> Iterator[PhaseDays]:
    """Yield each phase of the versions in force that covers a day of their spans, in the order of time."""
    for span in spans:
        phases = span.in_force.terms.phases
        ends = [later.from_ for _, later in pairwise(phases)] + [date.max]
        for phase, end in zip(phases, ends, strict=False):
            days = (min(end, span.end_day) - max(phase.from_, span.first_day)).days
            if days > 0:
                yield PhaseDays(phase, span.in_force.version, days)


def minimum_of(phases: Iterable[PhaseDays], period: ServicePeriod) -> Decimal:
    """Return the spend that the period guarantees, exact: each phase counts by the days it is in force. It is divided
    once: the shares of ten and of twenty-one days are a last digit short of the whole, which rounding down shows."""
    spend_days = sum((found.phase.minimum_spend * found.days for found in phases), Decimal(0))
    return share(spend_days, 1, period.whole_days)
