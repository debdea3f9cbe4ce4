"""What is in force when: a contract's versions and a period give edges, and between two of them the clauses stand as
they are priced. Whoever prices sees those alone, and knows no versions, phases or dates."""

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import TypeVar

import msgspec

from shared.pricing.clause import Clause
from shared.pricing.discount import Discount
from shared.pricing.effective import Effective
from shared.pricing.escalator import Escalation, raised_by
from shared.pricing.inputs import VersionInForce
from shared.pricing.language import Phase, SpendCap
from shared.pricing.language.cap import CAP_CLAUSE
from shared.pricing.lines import LineClause
from shared.values.ids import clause_id
from shared.values.period import ServicePeriod, local_date, local_midnight

L = TypeVar("L", bound=LineClause)
_NO_UNITS = Decimal(0)


@dataclass(frozen=True, slots=True)
class Stretch:
    """Between two neighbouring edges one version is in force, one of its phases or none, the same discounts,
    and escalators have raised prices as often.

    A local day belongs to what is in force when it begins, so that each is charged once: `days` begin in it, from
    `first_day` on.
    """

    start: datetime
    end: datetime
    first_day: date
    days: int
    in_force: VersionInForce
    phase: Phase | None
    discounts: tuple[Discount, ...] = ()
    escalations: tuple[Escalation, ...] = ()

    def reads_as(self, other: "Stretch") -> bool:
        """Whether the same is in force."""
        return (
            self.in_force is other.in_force
            and self.phase is other.phase
            and self.discounts == other.discounts
            and self.escalations == other.escalations
        )


def stretches_of(chain: Sequence[VersionInForce], period: ServicePeriod) -> tuple[Stretch, ...]:
    """Return the stretches of the period in order, none of which reads as its neighbour does. Empty where no version
    is in force within the period."""
    found: list[Stretch] = []
    for start, end in pairwise(_edges(chain, period)):
        in_force = version_at(chain, start)
        if in_force is None:
            continue
        first_day = _first_day(start, period)
        days, phase = (_first_day(end, period) - first_day).days, _phase_on(in_force, first_day)
        discounts, raised = in_force.terms.discounts_at(start), _escalations_at(in_force, start, period)
        one = Stretch(start, end, first_day, days, in_force, phase, discounts, raised)
        if found and found[-1].reads_as(one):
            found[-1] = replace(found[-1], end=end, days=found[-1].days + days)
        else:
            found.append(one)
    return tuple(found)


def version_at(chain: Iterable[VersionInForce], instant: datetime) -> VersionInForce | None:
    """Return the version in force at an instant: the highest effective by then; None before the first."""
    effective = [version for version in chain if version.effective_at <= instant]
    return max(effective, key=lambda version: version.version, default=None)


def effective_lines(
    stretches: Sequence[Stretch],
    key: str,
    kind: type[L],
    period: ServicePeriod,
    own_months: int | None = None,
) -> tuple[Effective[L], ...]:
    """Return the line `key` of this kind wherever it is in force. It is cut where it changes, and only there; of one
    that is due on a day, that day alone is returned, where it is one of the period. A period of `own_months` has the lines with such
    periods."""
    found: list[Effective[L]] = []
    for stretch in stretches:
        terms = stretch.in_force.terms
        line = terms.by_key.get(key)
        if not isinstance(line, kind) or line.own_months != own_months:
            continue
        if line.due_on is not None:
            if not 0 <= (line.due_on - stretch.first_day).days < stretch.days:
                continue
            stretch = _day(stretch, line.due_on, period.timezone)
        allowance = line.allowance(period.billed_days, period.whole_days)
        one = _effective(line, terms.line_clauses[key], stretch, period, allowance)
        last, one = found[-1] if found else None, _line(one, stretch)
        if last and last.end == one.start and _priced_by(last) == _priced_by(one):
            found[-1] = msgspec.structs.replace(last, end=one.end, days=last.days + one.days)
        else:
            found.append(one)
    return tuple(found)


def effective_phases(stretches: Sequence[Stretch], period: ServicePeriod) -> tuple[Effective[Phase], ...]:
    """Return the phases that are in force on a day of the period, in order."""
    return tuple(
        _phase(_effective(stretch.phase, _phase_id(stretch.phase, stretch), stretch, period), stretch)
        for stretch in stretches
        if stretch.phase is not None and stretch.days
    )


def effective_caps(stretches: Sequence[Stretch], period: ServicePeriod) -> tuple[Effective[SpendCap], ...]:
    """Return the spending caps that are in force on a day of the period, in order; none at all where one of those days
    has none. That of a phase goes before that of the terms."""
    found = []
    for stretch in stretches:
        phase, terms = stretch.phase, stretch.in_force.terms
        cap = phase.cap if phase is not None and phase.cap is not None else terms.cap
        if not stretch.days:
            continue
        if cap is None:
            return ()
        of = (
            _phase_id(phase, stretch)
            if phase is not None and phase.cap is cap
            else clause_id(terms.contract, *CAP_CLAUSE)
        )
        found.append(_effective(cap, of, stretch, period))
    return tuple(found)


C = TypeVar("C", bound=Clause)


def _line(one: Effective[L], stretch: Stretch) -> Effective[L]:
    """Return the line with the discounts that hold there, at the prices of that time."""
    if not stretch.discounts and not stretch.escalations:
        return one
    line = one.clause
    discounts = tuple([by for by in stretch.discounts if by.is_of(line.key, line.kind, line.metered_by)])
    raised = [by for by in stretch.escalations if by.clause.is_of(line.key, line.kind)]
    if discounts:
        one = msgspec.structs.replace(one, discounts=discounts)
    return _raised(one, line.escalated(raised_by(raised)), raised) if raised else one


def _phase(one: Effective[Phase], stretch: Stretch) -> Effective[Phase]:
    """Return the phase with the minimum of that time."""
    raised = [by for by in stretch.escalations if by.clause.is_of_minimum_spend]
    if not raised or one.clause.minimum_spend is None:
        return one
    minimum = raised_by(raised)(one.clause.minimum_spend)
    return _raised(one, one.clause.having(minimum_spend=minimum), raised)


def _raised(one: Effective[C], now: C, by: Sequence[Escalation]) -> Effective[C]:
    return msgspec.structs.replace(
        one,
        clause=now,
        clause_ids=(*one.clause_ids, *(escalation.clause_id for escalation in by)),
        hashes=(*one.hashes, *(escalation.clause.hash for escalation in by)),
        escalated=tuple(by),
    )


def _day(stretch: Stretch, day: date, timezone: str) -> Stretch:
    """Return a day of a stretch."""
    following = day + timedelta(days=1)
    return replace(
        stretch,
        start=local_midnight(day, timezone),
        end=local_midnight(following, timezone),
        first_day=day,
        days=1,
    )


def _priced_by(one: Effective[LineClause]) -> list[str]:
    """Return what tells whether two stretches of a line are priced alike."""
    return [one.clause.hash, *(discount.hash for discount in one.discounts)]


def _phase_id(phase: Phase, stretch: Stretch) -> str:
    return clause_id(stretch.in_force.terms.contract, "phases", phase.from_.isoformat())


def _effective(
    clause: C, of: str, stretch: Stretch, period: ServicePeriod, allowance: Decimal = _NO_UNITS
) -> Effective[C]:
    return Effective(
        clause,
        stretch.in_force.version,
        stretch.start,
        stretch.end,
        stretch.days,
        period.billed_days,
        period.whole_days,
        (of,),
        (clause.hash,),
        stretch.first_day,
        period,
        allowance=allowance,
    )


def _edges(chain: Sequence[VersionInForce], period: ServicePeriod) -> list[datetime]:
    """Return where anything may change within the period, and its two ends."""
    inside = {instant for version in chain for instant in _changes(version, period)}
    return [period.start, *sorted(inside), period.end]


def _changes(version: VersionInForce, period: ServicePeriod) -> Iterator[datetime]:
    if period.start < version.effective_at < period.end:
        yield version.effective_at
    for phase in version.terms.phases:
        if period.start_date < phase.from_ <= period.end_date:
            yield local_midnight(phase.from_, period.timezone)
    for span in version.terms.discount_spans:
        yield from (edge for edge in (span.begins, span.ends) if edge and period.start < edge < period.end)
    for escalator in version.terms.escalators:
        for day in escalator.steps_between(period.start_date, period.end_date, version.terms.term.start):
            yield local_midnight(day, period.timezone)


def _escalations_at(
    version: VersionInForce, instant: datetime, period: ServicePeriod
) -> tuple[Escalation, ...]:
    if not version.terms.escalators:
        return ()
    return version.terms.escalations_on(local_date(instant, period.timezone))


def _phase_on(version: VersionInForce, day: date) -> Phase | None:
    phases = version.terms.phases
    begun = bisect_right(phases, day, key=lambda phase: phase.from_)
    return phases[begun - 1] if begun else None


def _first_day(instant: datetime, period: ServicePeriod) -> date:
    """Return the first local day that begins at or after an instant of the period."""
    if instant == period.start:
        return period.start_date
    if instant == period.end:
        return period.end_date + timedelta(days=1)
    day = local_date(instant, period.timezone)
    return day if local_midnight(day, period.timezone) == instant else day + timedelta(days=1)
