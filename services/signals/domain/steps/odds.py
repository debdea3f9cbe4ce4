"""How sure it is that a customer's use fell, and that the customer has gone, as the day begins."""

from collections.abc import Sequence
from datetime import date, timedelta

from services.signals.domain.customer_day import Known
from services.signals.domain.odds import Odds
from services.signals.domain.renewal_model import Features
from services.signals.domain.risk_probability import (
    DAYS_A_WEEK,
    NEW_WEEKS,
    OLD_WEEKS,
    as_share,
    p_fall,
    p_gone,
    score_p,
    weeks_before,
)
from services.signals.domain.silence import Silences
from services.signals.domain.state import UseDays
from services.signals.domain.together import Together
from services.signals.domain.unheard import UnheardDays

#: Use that is heard later than this, or voided, changes a day's count no more.
SETTLED_DAYS = 60
WINDOW = timedelta(days=DAYS_A_WEEK * (NEW_WEEKS + OLD_WEEKS))


def odds_of(
    known: Known, silences: Silences, together: Together, counted: UseDays | None, unheard: UnheardDays
) -> Odds:
    """Fallen is said of all meters together, gone of the silence of all. Renewal is foretold once an outcome is known
    to learn from, and by what the customer used. Of the `unheard` days nothing is known."""
    if counted is None:
        return Odds()
    day = known.day
    # Where no day of use is gone there was none before those that are kept.
    kept = [rollup.days_from for rollup, _ in together.weighs if rollup.gone_on is not None]
    first = max(counted.first_on, day - WINDOW, *kept)
    fall = p_fall(_weeks(together, first, day, unheard)) if first < day else None
    quiet = min((found.days for found in silences.values()), default=None)
    now = _counted_until(known, counted, day, unheard)
    listened = (day - now.first_on).days - now.unheard
    gone = p_gone(quiet, listened, now.days) if quiet is not None else None
    score, model = score_p(fall, gone), known.renewal_model
    use = use_shown(known, together, counted)
    features = Features(
        score or 0.0, fall or 0.0, gone or 0.0, quiet or 0, use["events_28_days"], use["days_since_first_use"]
    )
    renewal = model.p_renew(features) if model is not None else None
    return Odds(as_share(fall), as_share(gone), as_share(score), as_share(renewal))


def use_shown(known: Known, together: Together, counted: UseDays) -> dict[str, int]:
    """What a forecast is learned from beside the probabilities."""
    new = together.days_between(known.day - timedelta(days=DAYS_A_WEEK * NEW_WEEKS), known.day)
    return {
        "events_28_days": round(sum(new)),
        "days_since_first_use": (known.day - counted.first_on).days,
    }


def count_days(known: Known, before: UseDays | None, unheard: UnheardDays) -> UseDays | None:
    """Count the days of use that are settled; those since are counted anew each day. None before any use."""
    first_on = before.first_on if before is not None else _first_on(known)
    if first_on is None or first_on >= known.day:
        return None
    counted = before or UseDays(first_on, first_on)
    until = max(counted.until, known.day - timedelta(days=SETTLED_DAYS))
    return _counted_until(known, counted, until, unheard)


def _first_on(known: Known) -> date | None:
    """The first day of use, or where days before it are no longer kept the first that is."""
    firsts = [(rollup.first_day(), rollup.days_from) for rollup in known.customer.matched().values()]
    return min((max(first, kept) for first, kept in firsts if first is not None), default=None)


def _weeks(together: Together, first: date, day: date, unheard: UnheardDays) -> Sequence[float | None]:
    """The whole weeks of [first, day); None of those in which a day is unheard."""
    weeks = weeks_before(together.days_between(first, day))
    if not unheard:
        return weeks
    lost = weeks_before([first + timedelta(days=at) in unheard for at in range((day - first).days)])
    return [None if any_lost else week for week, any_lost in zip(weeks, lost, strict=True)]


def _counted_until(known: Known, counted: UseDays, end: date, unheard: UnheardDays) -> UseDays:
    """With the days in [until, end) on which any meter was used, and those of the rest that are unheard."""
    if counted.until >= end:
        return counted
    each = [rollup.days_between(counted.until, end) for rollup in known.customer.matched().values()]
    used = list(map(any, zip(*each, strict=True)))
    lost = sum(counted.until <= day < end and not used[(day - counted.until).days] for day in unheard)
    return UseDays(counted.first_on, end, counted.days + sum(used), counted.unheard + lost)
