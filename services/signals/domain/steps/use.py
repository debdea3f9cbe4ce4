"""Use of the main meter: since when there is any, whether it turned, and how it stood at month six."""

from datetime import date, timedelta

from services.signals.domain.customer_day import Known
from services.signals.domain.fact import Fact
from services.signals.domain.renewal import renewal
from services.signals.domain.rollup import Rollup, monday
from services.signals.domain.shown import shown_trend
from services.signals.domain.state import MonthSix
from services.signals.domain.trend import YEAR_WEEKS, Trend, TrendState, trend
from shared.values.period import add_months


def main_meter(known: Known) -> Rollup | None:
    """The meter whose trend is the customer's: that of the first usage line, else the one with the most
    events."""
    customer = known.customer
    rollups = customer.matched()
    for contract in customer.contracts:
        for line in contract.terms_at(known.began).usage_lines:
            if line.meter in rollups:
                return rollups[line.meter]
    used = [
        rollup
        for meter, rollup in rollups.items()
        if meter not in customer.meters or customer.meters[meter].role is None
    ]
    return min(
        used or list(rollups.values()), key=lambda rollup: (-sum(rollup.weeks), rollup.meter), default=None
    )


def first_day_of_use(known: Known, main: Rollup | None, before: date | None) -> date | None:
    """The first day with use, once it is over; it stays what it was first found to be."""
    first = main.first_day() if main is not None and before is None else None
    return first if first is not None and first < known.day else before


def trend_start(known: Known, first_on: date | None) -> date | None:
    """Where the trend begins: the start of the running term, else the first day of use."""
    for contract in known.customer.contracts:
        found = renewal(contract.terms_at(known.began), known.day)
        if found.term_start <= known.day:
            return found.term_start
    return first_on


def trend_of_use(known: Known, main: Rollup | None, started: date | None, before: TrendState) -> Trend:
    """Over the whole weeks from the start to the day; early in a further term the weeks before it still
    count."""
    if main is None or started is None:
        return Trend(TrendState.UNKNOWN, None, None, None, 0)
    day, policy = known.day, known.policy
    first = monday(day) - timedelta(weeks=policy.trend_weeks_max)
    if (day - started).days >= policy.trend.weeks_min * 7 + 7:
        first = max(first, started)
    first = max(first, main.weeks_from)
    window = main.weeks_between(first, day)
    year_ago = timedelta(weeks=YEAR_WEEKS)
    season = (
        main.weeks_between(first - year_ago, day - year_ago) if first - year_ago >= main.weeks_from else []
    )
    return trend(window, policy.trend, before, season)


def turn(known: Known, use: Trend, before: TrendState) -> tuple[list[Fact], TrendState]:
    """Told when the trend turns; what is not known changes nothing."""
    if use.state is TrendState.UNKNOWN:
        return [], before
    if use.state is TrendState.STEADY or use.state is before:
        return [], use.state
    key = (known.customer.customer_id, known.day.isoformat())
    return [Fact(f"customer.{use.state}", key, known.day, shown_trend(use))], use.state


def month_six(
    known: Known, main: Rollup | None, started: date | None, before: MonthSix | None
) -> MonthSix | None:
    """At month six of the term the trend from its start is kept, whatever comes later."""
    if main is None or started is None:
        return before
    at = add_months(started, known.policy.checkpoint_months)
    if known.day < at or (before is not None and before.started == started):
        return before
    found = trend(main.weeks_between(started, at), known.policy.trend)
    return MonthSix(started, at, found.state, found.weeks, found.change, found.early, found.late)
