"""Whether use grows, shrinks or stands: the last third of a term against the first, so that neither storms and
holidays nor where its days fall decide.

Use is counted in spans that hold a whole rhythm (`rhythm`): weeks, or all from one beginning to the next. A span far
off the median of its third is a storm or a feast and counts as that median; a pause that is an outage is left out.
The change must exceed the noise: what counting makes of even use (its square root), and where the spans of a third
differ by more than that, what they differ. Use that comes once a month is looked at twelve times a year and not
fifty-two: as rare a false word is had with less. Where no change of reasonable size could exceed it, nothing is said.
Where a year of history lies before the window, each span is first divided by its season, the same one of that year
against that year's median.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from enum import StrEnum
from math import log, sqrt
from statistics import median
from typing import NamedTuple

from services.signals.domain.rhythm import Spans, cycles, spoken

YEAR_WEEKS = 52
PLACES, WEEK_PLACES = Decimal("0.0001"), Decimal("0.1")
#: A beginning of use is known to the week: lengths of thirds that differ by no more are the same.
RESOLUTION_WEEKS = 2
#: So many standard deviations off the median of its third, and a span is no part of it.
STORM = 4
#: Of a normal spread, the median distance from the median times this is the standard deviation.
MEDIAN_TO_DEVIATION = 1.4826
#: Of the change that may go untold, how much more may where something was told before.
STILL_TOLD = 1.5
#: For each week of a span so many even spans are believed in before any is seen: the longer they are, the fewer a year
#: has to show what they differ by.
EVEN_SPANS_A_WEEK = 3


class TrendState(StrEnum):
    DEEPENING = "deepening"
    STEADY = "steady"
    DRIFTING = "drifting"
    UNKNOWN = "unknown"  # too few weeks with use to say, or too little in them


@dataclass(frozen=True, slots=True)
class TrendRule:
    """From `enter` on a change from the first third to the last counts, and from `enter_step` on one between what was
    before a place in the middle third and what came after it, which is known sooner and with less noise; a state once
    entered ends below `leave` (hysteresis, so that it does not flap).

    `noise` is how many standard deviations the change must exceed besides, where use is counted in weeks: 5 to 7 flights
    a week is chance, 500 to 700 is not. Half of that keeps a state. Where a change of `tell_max` would not exceed it, nothing is said; what was
    said before is said until half as much again would not.
    """

    weeks_min: int
    enter: float
    enter_step: float
    leave: float
    noise: float
    tell_max: float


@dataclass(frozen=True, slots=True)
class Trend:
    """`change` = late ÷ early − 1, where early and late are the weeks' events in the first and the last third of
    `weeks` weeks. `within_chance`: it is steady, and the change may be chance."""

    state: TrendState
    change: Decimal | None = None
    early: Decimal | None = None
    late: Decimal | None = None
    weeks: int = 0
    within_chance: bool = False


@dataclass(frozen=True, slots=True)
class Said:
    """What was said before: the last trend that was known, and whether it was known the day before."""

    state: TrendState = TrendState.STEADY
    known: bool = False


class _Use(NamedTuple):
    """The spans without their storms, the weeks of each, and how many of them are a third."""

    events: Sequence[float]
    weeks: Sequence[float]
    third: int

    @property
    def span_weeks(self) -> float:
        return sum(self.weeks) / len(self.weeks)

    def a_week(self, first: int, end: int) -> float:
        return sum(self.events[first:end]) / sum(self.weeks[first:end])


class _Parted(NamedTuple):
    """By how many standard deviations use before a place and after it differ, and after ÷ before − 1."""

    deviations: float
    change: float


NOTHING_SAID = Said()


def trend(
    window: Sequence[int], rule: TrendRule, before: Said = NOTHING_SAID, year_before: Sequence[int] = ()
) -> Trend:
    """Return the trend over the weeks of `window`, oldest first. `year_before` are the same weeks one year
    earlier, where they are known."""
    spans = _spans(window, year_before)
    weeks = sum(spans.weeks)
    if weeks < rule.weeks_min:
        return Trend(TrendState.UNKNOWN, weeks=weeks)
    use = _use(spans)
    early, late = use.a_week(0, use.third), use.a_week(len(use.events) - use.third, len(use.events))
    uneven, rule = _overdispersion(use), replace(rule, noise=_as_rare(rule.noise, use.span_weeks))
    if not early or rule.noise * _noise(use, uneven) > rule.tell_max * (STILL_TOLD if before.known else 1):
        return Trend(TrendState.UNKNOWN, weeks=weeks)
    change = late / early - 1
    parted = _parted(use, uneven)
    state = _state(change, parted, rule, before.state)
    return Trend(
        state,
        Decimal(change).quantize(PLACES),
        Decimal(early).quantize(WEEK_PLACES),
        Decimal(late).quantize(WEEK_PLACES),
        weeks,
        within_chance=state is TrendState.STEADY
        and abs(change) >= rule.leave
        and parted.deviations < rule.noise,
    )


def _state(change: float, parted: _Parted, rule: TrendRule, before: TrendState) -> TrendState:
    """Grown or shrunk is what both changes say, one of them by enough."""
    wanted = TrendState.DEEPENING if change > 0 else TrendState.DRIFTING
    if change * parted.change <= 0:
        return TrendState.STEADY
    if before is wanted:
        enough, chance = max(abs(change), abs(parted.change)) >= rule.leave, rule.noise / 2
    else:
        enough, chance = abs(change) >= rule.enter or abs(parted.change) >= rule.enter_step, rule.noise
    return wanted if enough and parted.deviations >= chance else TrendState.STEADY


def _spans(window: Sequence[int], year_before: Sequence[int]) -> Spans:
    """The spans use is counted in, each over its season."""
    rhythm = cycles(window)
    if rhythm is None:
        return spoken(_deseasoned(window, year_before))
    year = cycles(year_before)
    return Spans(_deseasoned(rhythm.events, year.events[-len(rhythm.events) :] if year else ()), rhythm.weeks)


def _use(spans: Spans) -> _Use:
    """Beginnings of use are known to the week: where the first and the last third are about as long, all spans are the
    same."""
    events, weeks, third = spans.events, spans.weeks, -(-len(spans.events) // 3)
    parts = [events[:third], events[third:-third], events[-third:]]
    usual = [median(part) if part else 0.0 for part in parts]
    distances = [abs(one - usual[at]) for at, part in enumerate(parts) for one in part]
    uneven = MEDIAN_TO_DEVIATION * median(distances)
    calm = [one for part, its in zip(parts, usual, strict=True) for one in _calm(part, its, uneven)]
    if abs(sum(weeks[:third]) - sum(weeks[-third:])) > RESOLUTION_WEEKS:
        return _Use(calm, weeks, third)
    return _Use(calm, [sum(weeks) / len(weeks)] * len(weeks), third)


def _calm(events: Sequence[float], usual: float, uneven: float) -> Sequence[float]:
    """Storms and feasts count as the median."""
    bearable = STORM * max(uneven, sqrt(usual))
    return [one if abs(one - usual) <= bearable else usual for one in events]


def _as_rare(noise: float, span_weeks: float) -> float:
    """How many deviations are exceeded by chance as seldom in a year of longer spans, which is looked at less often, as
    `noise` in one of weeks: so many exceed z as e^(-z² / 2)."""
    return sqrt(max(noise * noise - 2 * log(span_weeks), 0.0))


def _overdispersion(use: _Use) -> float:
    """How much more the spans of the first and of the last third differ than counts of even use do, at least 1. Few
    spans say little of that: they count with some that are even."""
    even = EVEN_SPANS_A_WEEK * use.span_weeks
    spread, ends = 0.0, (use.events[: use.third], use.events[-use.third :])
    for part in ends:
        mean = sum(part) / use.third
        spread += sum((one - mean) ** 2 for one in part) / (mean or 1.0)
    return max(1.0, (spread + even) / (2 * (use.third - 1) + even))


def _noise(use: _Use, uneven: float) -> float:
    """The standard deviation of the difference of the first and the last third, as a share of their mean."""
    return sqrt(uneven * 4 / (sum(use.events[: use.third]) + sum(use.events[-use.third :])))


def _parted(use: _Use, uneven: float) -> _Parted:
    """At the place that leaves a third on either side and where both sides differ most."""
    events, weeks = sum(use.events), sum(use.weeks)
    variance, found = uneven * events / weeks, _Parted(0.0, 0.0)
    before, passed = sum(use.events[: use.third - 1]), sum(use.weeks[: use.third - 1])
    for at in range(use.third, len(use.events) - use.third + 1):
        before, passed = before + use.events[at - 1], passed + use.weeks[at - 1]
        left = weeks - passed
        differ = (events - before) / left - before / passed
        deviations = abs(differ) / sqrt(variance * (1 / passed + 1 / left))
        if deviations > found.deviations and before:
            found = _Parted(deviations, differ * passed / before)
    return found


def _deseasoned(spans: Sequence[float], year_before: Sequence[float]) -> Sequence[float]:
    """Each span over its season's index: the median of three spans around it a year before, over that year's
    median."""
    level = median(year_before) if spans and len(year_before) == len(spans) else 0.0
    if not level:
        return spans
    seasons = [median(year_before[max(at - 1, 0) : at + 2]) for at in range(len(spans))]
    return [one * level / season if season else one for one, season in zip(spans, seasons, strict=True)]
