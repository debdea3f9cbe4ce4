"""Where the proof of each reason of a risk score lies: all of it in signals itself, so that whoever may read a signal
can open it."""

from collections.abc import Callable
from datetime import date, timedelta

from services.signals.domain.customer_day import Known
from services.signals.domain.evidence import ACTIVITY_DAYS_MAX, Evidence, evidence_at
from services.signals.domain.rollup import Rollup
from services.signals.domain.silence import Silences
from shared.values.instants import written

Proofs = Callable[[str], Evidence]
"""Where the proof of a reason lies. It is asked for the few that count, and not for every customer's every day."""


def proof_of(known: Known, silences: Silences, main: Rollup | None, reason: str) -> Evidence:
    """What is counted is proven by the days it was counted from, all else by the evaluation that it stands in: it shows
    what each is made of."""
    policy = known.policy
    match reason:
        case "silent_days":
            last_seen_on = max((found.last_seen_on for found in silences.values()), default=None)
            return _activity(known, last_seen_on, None)
        case "trend_change":
            return _activity(known, known.day - timedelta(weeks=policy.trend_weeks_max + 1), main)
        case "recent_change":
            weeks = policy.recent_weeks + policy.recent_before_weeks + 1
            return _activity(known, known.day - timedelta(weeks=weeks), main)
    return evidence_at("signals", "customers", known.customer.customer, "signals", at=written(known.began))


def _activity(known: Known, since: date | None, of: Rollup | None) -> Evidence:
    """The days from `since` on, as many as are shown at once; of one meter, or of all."""
    earliest = known.day - timedelta(days=ACTIVITY_DAYS_MAX)
    days = {"since": max(since or earliest, earliest).isoformat(), "until": known.day.isoformat()}
    meter = {"meter": of.meter} if of is not None else {}
    return evidence_at("signals", "customers", known.customer.customer, "activity", **days, **meter)
