"""Whether use grows, shrinks or stands: a robust slope over whole weeks, so that storms, holidays and short
months do not decide.

The slope is Tukey's resistant line (Exploratory Data Analysis, 1977): the median week of the last third
against the median week of the first third. A whole week holds every weekday once, and a third of its weeks
may be wild without moving the median. Where a year of history lies before the window, each week is first
divided by its season, the same week of that year against that year's median. A run of silent weeks is an
outage, not zeros: those weeks are left out.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

YEAR_WEEKS = 52
SILENT_WEEKS_MIN = 2
PLACES = Decimal("0.0001")


class TrendState(StrEnum):
    DEEPENING = "deepening"
    STEADY = "steady"
    DRIFTING = "drifting"
    UNKNOWN = "unknown"  # too few weeks with use to say


@dataclass(frozen=True, slots=True)
class TrendRule:
    """From `enter` on a change counts; a state once entered ends below `leave` (hysteresis, so that it does
    not flap).

    `noise` is how many standard deviations of a counted number (its square root) the change must exceed
    besides: 5 to 7 flights a week is chance, 500 to 700 is not. Half of that keeps a state.
    """

    weeks_min: int
    enter: Decimal
    leave: Decimal
    noise: Decimal


@dataclass(frozen=True, slots=True)
class Trend:
    """`change` = late ÷ early − 1, where early and late are the median weeks of the first and the last third
    of `weeks` weeks."""

    state: TrendState
    change: Decimal | None
    early: Decimal | None
    late: Decimal | None
    weeks: int


def trend(
    window: Sequence[int],
    rule: TrendRule,
    before: TrendState = TrendState.STEADY,
    year_before: Sequence[int] = (),
) -> Trend:
    """Return the trend over the weeks of `window`, oldest first. `year_before` are the same weeks one year
    earlier, where they are known."""
    weeks = _spoken(_deseasoned(window, year_before))
    if len(weeks) < rule.weeks_min:
        return Trend(TrendState.UNKNOWN, None, None, None, len(weeks))
    third = -(-len(weeks) // 3)
    early, late = _median(weeks[:third]), _median(weeks[-third:])
    if not early:
        return Trend(TrendState.DEEPENING if late else TrendState.UNKNOWN, None, early, late, len(weeks))
    change = (late / early - 1).quantize(PLACES)
    return Trend(
        _state(change, (late - early) * third, (late + early) * third, rule, before),
        change,
        early,
        late,
        len(weeks),
    )


def _state(
    change: Decimal, difference: Decimal, counted: Decimal, rule: TrendRule, before: TrendState
) -> TrendState:
    wanted = TrendState.DEEPENING if change > 0 else TrendState.DRIFTING
    if abs(change) < (rule.leave if before is wanted else rule.enter):
        return TrendState.STEADY
    noise = rule.noise / 2 if before is wanted else rule.noise
    return wanted if difference * difference >= noise * noise * counted else TrendState.STEADY


def _deseasoned(window: Sequence[int], year_before: Sequence[int]) -> list[Decimal]:
    """Each week over its season's index: the median of three weeks around it a year before, over that year's
    median."""
    level = (
        _median([Decimal(week) for week in year_before])
        if len(year_before) == len(window) and window
        else Decimal()
    )
    if not level:
        return [Decimal(week) for week in window]
    seasons = [
        _median([Decimal(week) for week in year_before[max(at - 1, 0) : at + 2]]) for at in range(len(window))
    ]
    return [
        week * level / season if season else Decimal(week)
        for week, season in zip(window, seasons, strict=True)
    ]


def _spoken(weeks: Sequence[Decimal]) -> list[Decimal]:
    """The weeks without runs of silence."""
    kept: list[Decimal] = []
    silent = 0
    for week in weeks:
        silent = 0 if week else silent + 1
        kept.append(week)
        if silent == SILENT_WEEKS_MIN:
            del kept[-SILENT_WEEKS_MIN:]
        elif silent > SILENT_WEEKS_MIN:
            kept.pop()
    return kept


def _median(numbers: Sequence[Decimal]) -> Decimal:
    if not numbers:
        return Decimal()
    ordered, half = sorted(numbers), len(numbers) // 2
    return ordered[half] if len(ordered) % 2 else (ordered[half - 1] + ordered[half]) / 2
