"""Use of the main meter: since when there is any, whether it turned, and how it stood at month six."""

from datetime import date, timedelta

from services.signals.domain.customer_day import Contract, Known
from services.signals.domain.fact import Fact
from services.signals.domain.renewal import renewal
from services.signals.domain.rollup import Rollup, monday
from services.signals.domain.shown import shown_trend
from services.signals.domain.state import MonthSix
from services.signals.domain.trend import NOTHING_SAID, YEAR_WEEKS, Said, Trend, TrendRule, TrendState, trend
from shared.pricing.renewal import is_active
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
    contract = _main_contract(known)
    return _term_start(known, contract) if contract is not None else first_on


def listened_from(known: Known, first_on: date | None, known_on: date | None) -> date | None:
    """From when a customer without any use counts as silent: the contract's start, whatever term it is in, but no day
    before the customer was known here."""
    contract = _main_contract(known)
    started = contract.versions[0].terms.term.start if contract is not None else first_on
    return max(started, known_on) if started and known_on else started


def _main_contract(known: Known) -> Contract | None:
    """The first of those that began, one that is over after all that run."""
    over = None
    for contract in known.customer.contracts:
        if _term_start(known, contract) > known.day:
            continue
        if is_active(contract.terms_at(known.began), known.day):
            return contract
        over = over or contract
    return over


def _term_start(known: Known, contract: Contract) -> date:
    return renewal(contract.terms_at(known.began), known.day).term_start


def trend_of_use(
    known: Known, main: Rollup | None, started: date | None, first_on: date | None, before: Said
) -> Trend:
    """Over the whole weeks from the start to the day; early in a further term, and where they say nothing, the
    weeks before it still count."""
    if main is None or started is None or first_on is None:
        return Trend(TrendState.UNKNOWN)
    rule, day = known.policy.trend, known.day
    longest = max(monday(day) - timedelta(weeks=known.policy.trend_weeks_max), first_on)
    if started > longest and (day - started).days >= rule.weeks_min * 7 + 7:
        of_term = _trend_since(main, started, day, rule, before)
        if of_term.state is not TrendState.UNKNOWN:
            return of_term
    return _trend_since(main, longest, day, rule, before)


def _trend_since(main: Rollup, first: date, day: date, rule: TrendRule, before: Said) -> Trend:
    first, year_ago = max(first, main.weeks_from), timedelta(weeks=YEAR_WEEKS)
    season = (
        main.weeks_between(first - year_ago, day - year_ago) if first - year_ago >= main.weeks_from else []
    )
    return trend(main.weeks_between(first, day), rule, before, season)


def turn(known: Known, use: Trend, before: TrendState, *, silent: bool) -> tuple[list[Fact], TrendState]:
    """Told when the trend turns; what is not known changes nothing, and of who is silent that is told."""
    if use.state is TrendState.UNKNOWN or silent:
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
    found = _trend_since(main, started, at, known.policy.trend, NOTHING_SAID)
    return MonthSix(
        started,
        at,
        found.state,
        found.weeks,
        found.change,
        found.early,
        found.late,
        found.within_chance,
    )
