"""The chain of versions of a contract, as data: which one holds when, and what its periods and deadlines
are."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import islice

from shared.pricing.in_force import version_at
from shared.pricing.inputs import VersionInForce
from shared.pricing.language.late_usage import LateUsage
from shared.values.period import BillingCalendar, ServicePeriod, local_date, local_midnight, period_between

FOREVER = datetime.max.replace(tzinfo=UTC)
#: Periods opened in one transaction; the next run goes on.
OPENED_MAX = 240


@dataclass(frozen=True, slots=True)
class OpenedPeriods:
    """Periods whose start the clock has reached, and when the next one starts (None: the term has ended)."""

    periods: tuple[ServicePeriod, ...]
    next_at: datetime | None


def in_force(versions: Sequence[VersionInForce], instant: datetime) -> VersionInForce:
    """Return the version in force: of those effective by then, the one recorded last. Before the first one
    takes effect, the first."""
    return version_at(versions, instant) or versions[0]


def close_due_at(versions: Sequence[VersionInForce], period_end: datetime) -> datetime:
    """Return when a period may close: its end plus the grace of the version then in force (elapsed hours)."""
    last_instant = period_end - timedelta(microseconds=1)
    return period_end + timedelta(hours=in_force(versions, last_instant).terms.billing.grace_hours)


def late_usage_of(versions: Sequence[VersionInForce], period_end: datetime) -> LateUsage:
    """Return what the version in force at a period's end says of usage that comes late."""
    return in_force(versions, period_end - timedelta(microseconds=1)).terms.late_usage


def credits_apart(versions: Sequence[VersionInForce], period_end: datetime) -> bool:
    """Return whether the version in force at a period's end puts what falls below what was billed on a note of its own."""
    return in_force(versions, period_end - timedelta(microseconds=1)).terms.excess == "credit_note"


def accept_until(versions: Sequence[VersionInForce], period_end: datetime) -> datetime:
    """Return until when (business clock) what comes for a final period corrects it."""
    return period_end + timedelta(days=late_usage_of(versions, period_end).accept_days)


def span_of(chain: Sequence[VersionInForce], version: VersionInForce) -> tuple[datetime, datetime] | None:
    """Return from when to when (exclusive) a version of the chain is in force, or None when later ones leave
    it no time.

    The newest version says when the term ends; a chain that renews by itself has no end (FOREVER).
    """
    newest = chain[-1].terms
    ends = [FOREVER if newest.renewal.auto else local_midnight(newest.term.end, newest.timezone)]
    ends += [later.effective_at for later in chain if later.version > version.version]
    return (version.effective_at, min(ends)) if version.effective_at < min(ends) else None


def periods_to_open(calendar: BillingCalendar, opened_until: datetime | None, now: datetime) -> OpenedPeriods:
    """Return the periods after `opened_until` (None: from the contract's start) that begin at or before
    `now`."""
    opened: list[ServicePeriod] = []
    upcoming = first_period(calendar) if opened_until is None else period_from(calendar, opened_until)
    while upcoming is not None and upcoming.start <= now and len(opened) < OPENED_MAX:
        opened.append(upcoming)
        upcoming = period_from(calendar, upcoming.end)
    return OpenedPeriods(tuple(opened), upcoming.start if upcoming is not None else None)


def first_period(calendar: BillingCalendar) -> ServicePeriod | None:
    return next(islice(calendar.periods(), 1), None)


def period_from(calendar: BillingCalendar, start: datetime) -> ServicePeriod | None:
    """Return the period that begins at `start`; where the calendar's own begins earlier (a term prolonged in
    its midst), its rest."""
    period = calendar.containing(start)
    if period is None or period.start == start:
        return period
    first_day, after = local_date(start, period.timezone), period.end_date + timedelta(days=1)
    return period_between(first_day, after, period.timezone, whole_days=period.whole_days)


def run_after(versions: Sequence[VersionInForce], last_end: datetime, now: datetime) -> datetime:
    """Return when a contract whose last period ended at `last_end` is looked at for corrections next: when the periods
    after it would close, if there were any."""
    calendar = replace(versions[-1].terms.calendar, end_date=None)
    end = last_end
    while (due := close_due_at(versions, end)) <= now or end == last_end:
        period = period_from(calendar, end)
        assert period is not None, "a calendar without end has a period everywhere after its start"
        end = period.end
    return due
