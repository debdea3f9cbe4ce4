"""Which version is in force when: the spans a service period falls into, and those of one line."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from itertools import pairwise
from typing import Generic, TypeVar

from shared.pricing.inputs import VersionInForce
from shared.pricing.lines import RecurringLine, UsageLine
from shared.values.period import ServicePeriod, local_date, local_midnight

L = TypeVar("L", RecurringLine, UsageLine)


@dataclass(frozen=True, slots=True)
class Span:
    """A piece of a period with one version in force. `first_day` … `end_day` (exclusive) are the local days
    that begin in it.

    A day belongs to the version in force when it begins, so that each day is charged once.
    """

    start: datetime
    end: datetime
    in_force: VersionInForce
    first_day: date
    end_day: date

    @property
    def days(self) -> int:
        return (self.end_day - self.first_day).days


@dataclass(frozen=True, slots=True)
class LineSpan(Generic[L]):
    """A piece of a period in which a line reads the same; versions that do not change the line do not split
    it."""

    line: L
    version: int
    start: datetime
    end: datetime
    days: int


def spans_of(chain: Sequence[VersionInForce], period: ServicePeriod) -> tuple[Span, ...]:
    """Return the spans of the period in order. Empty where no version is in force within the period."""
    instants = {version.effective_at for version in chain if period.start < version.effective_at < period.end}
    edges = [period.start, *sorted(instants), period.end]
    spans = []
    for start, end in pairwise(edges):
        in_force = version_at(chain, start)
        if in_force is not None:
            spans.append(Span(start, end, in_force, _first_day(start, period), _first_day(end, period)))
    return _merged(spans)


def version_at(chain: Sequence[VersionInForce], instant: datetime) -> VersionInForce | None:
    """Return the version in force at an instant: the highest effective by then; None before the first."""
    effective = [version for version in chain if version.effective_at <= instant]
    return max(effective, key=lambda version: version.version, default=None)


def line_spans(spans: Sequence[Span], key: str, kind: type[L]) -> tuple[LineSpan[L], ...]:
    """Return the spans in which the line `key` of this kind is in force."""
    found: list[LineSpan[L]] = []
    for span in spans:
        line = span.in_force.terms.by_key.get(key)
        if not isinstance(line, kind):
            continue
        if found and found[-1].end == span.start and found[-1].line.hash == line.hash:
            found[-1] = replace(found[-1], end=span.end, days=found[-1].days + span.days)
        else:
            found.append(LineSpan(line, span.in_force.version, span.start, span.end, span.days))
    return tuple(found)


def _merged(spans: Sequence[Span]) -> tuple[Span, ...]:
    """Join neighbours under one version: a superseded amendment within the period splits nothing."""
    merged: list[Span] = []
    for span in spans:
        if merged and merged[-1].in_force.version == span.in_force.version:
            merged[-1] = replace(merged[-1], end=span.end, end_day=span.end_day)
        else:
            merged.append(span)
    return tuple(merged)


def _first_day(instant: datetime, period: ServicePeriod) -> date:
    """Return the first local day that begins at or after an instant of the period."""
    if instant == period.start:
        return period.start_date
    if instant == period.end:
        return period.end_date + timedelta(days=1)
    day = local_date(instant, period.timezone)
    return day if local_midnight(day, period.timezone) == instant else day + timedelta(days=1)
