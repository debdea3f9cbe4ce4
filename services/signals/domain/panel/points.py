"""The policy's points on a panel: every customer is evaluated by the product's own daily evaluation, each day from
what the day before left, knowing only the days before it."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import NamedTuple

from services.signals.domain.customer_day import Customer, Known, Meter
from services.signals.domain.evaluation import evaluate
from services.signals.domain.panel.counts import Counts
from services.signals.domain.panel.panel import Panel
from services.signals.domain.policy import Policy
from services.signals.domain.rollup import Rollup, fresh
from services.signals.domain.state import CustomerState

#: Of one panel day by day: about twenty seconds of one core.
EVALUATIONS_MAX = 75_000


class Points(NamedTuple):
    """The score as a month began, and whether it put the customer at risk."""

    score: int
    at_risk: bool


def is_daily(panel: Panel, months: Mapping[str, Sequence[date]]) -> bool:
    """Whether every day is evaluated. In a panel of very many days only the first of each month is, so that what has a
    hysteresis remembers the month before, not the day before. `months`: customer → the months that are judged."""
    days = (
        (at[-1] - first).days for name, at in months.items() if (first := panel.customers[name].first_day())
    )
    return sum(days) <= EVALUATIONS_MAX


def points_of(
    panel: Panel, customer: str, months: Sequence[date], policy: Policy, *, daily: bool
) -> dict[date, Points]:
    """What the policy said of a customer as each of these months began, the oldest first."""
    counts = panel.customers[customer]
    first = counts.first_day()
    if first is None or not months:
        return {}
    begin = panel.first if panel.contracts.get(customer) else first
    days = _days(begin, months[-1]) if daily else months
    return {day: found for day, found in _evaluated(panel, customer, days, policy) if day in months}


def _evaluated(
    panel: Panel, customer: str, days: Iterable[date], policy: Policy
) -> Iterator[tuple[date, Points]]:
    counts, rollup, state = panel.customers[customer], fresh(panel.meter, panel.first), CustomerState()
    known = Customer(
        customer,
        customer,
        panel.timezone,
        {panel.meter: rollup},
        {panel.meter: Meter(True, panel.meter)},
        panel.contracts.get(customer, ()),
    )
    heard_until = panel.first
    for day in days:
        _hear(rollup, counts, heard_until, day)
        heard_until = day
        found = evaluate(Known(known, day, None, policy), state)
        state, risk = found.state, found.document["risk"]
        yield day, Points(risk["score"], risk["at_risk"])


def _hear(rollup: Rollup, counts: Counts, first: date, end: date) -> None:
    for day, events in counts.used_between(first, end):
        rollup.add(day, events, Decimal(events))


def _days(first: date, last: date) -> Iterator[date]:
    return (first + timedelta(days=number) for number in range((last - first).days + 1))
