"""The silences of producers that a customer lived through, and the days of them that say nothing of the customer."""

from collections.abc import Iterable, Sequence
from datetime import date, timedelta

from services.signals.domain.customer_day import Known
from services.signals.domain.risk_probability import NEW_WEEKS, OLD_WEEKS
from services.signals.domain.rollup import Rollup
from services.signals.domain.unheard import A_DAY, Stretch, Stretches, UnheardDays, lived_through


def note_unheard(known: Known, before: Stretches) -> Stretches:
    """Kept for as many weeks as are compared, and the one that is not over."""
    policy = known.policy
    weeks = max(NEW_WEEKS + OLD_WEEKS, policy.recent_weeks + policy.recent_before_weeks) + 1
    return lived_through(before, known.producers, known.yesterday, known.day - timedelta(weeks=weeks))


def unheard_days(known: Known, stretches: Stretches, used: Iterable[Rollup]) -> UnheardDays:
    """The days on which the producer of any of the meters that are `used` was silent."""
    if not stretches:
        return frozenset()
    by_type: dict[str, list[Rollup]] = {}
    for rollup in used:
        for event_type in known.customer.event_types_of([rollup.meter]) & stretches.keys():
            by_type.setdefault(event_type, []).append(rollup)
    return frozenset(
        day
        for event_type, rollups in by_type.items()
        for stretch in stretches[event_type]
        for day in _unheard_of(known, event_type, stretch, rollups)
    )


def _unheard_of(known: Known, event_type: str, stretch: Stretch, rollups: Sequence[Rollup]) -> list[date]:
    """Not of who stays silent when the others speak again, or is excused no more: that silence is the customer's. What was
    sent late was heard, so of the days those after it."""
    spoke = _last_seen_on(rollups, known.day)
    if event_type not in known.producers and (spoke is None or spoke <= stretch.last):
        return []
    late = _last_seen_on(rollups, stretch.last + A_DAY)
    return stretch.days_from(late + A_DAY if late is not None else stretch.first)


def _last_seen_on(rollups: Sequence[Rollup], before: date) -> date | None:
    seen = (rollup.last_day_before(before) for rollup in rollups)
    return max((day for day in seen if day is not None), default=None)
