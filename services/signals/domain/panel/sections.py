"""Customer-months that are judged together: each score measured on the same ones, with intervals from the same draws."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import date
from enum import StrEnum

from services.signals.domain.panel.customer_months import CustomerMonth
from services.signals.domain.panel.forecasts import Forecasts
from services.signals.domain.panel.intervals import CUSTOMERS_MIN, Interval, Ranked, draws, interval
from services.signals.domain.panel.measures import Measures, measured, tenths
from shared.values.made_from import made_from


class Score(StrEnum):
    """What is measured. Each says a loss is nearer the higher it is; p_renew, the probability to stay, the lower."""

    POINTS = "points"
    SCORE_P = "score_p"
    P_RENEW = "p_renew"
    PAST_BASE_RATE = "past_base_rate"
    CALENDAR = "days_since_last_use"


PROBABILITIES = {Score.SCORE_P, Score.P_RENEW, Score.PAST_BASE_RATE}


class Label(StrEnum):
    """What lost means: by the customer's own counts, by its counts against the book's, or as it was recorded."""

    MATERIAL = "material"
    OF_THE_BOOK = "material_of_the_book"
    RECORDED = "recorded"

    def is_lost(self, month: CustomerMonth) -> bool:
        return bool(month.lost_of_the_book) if self is Label.OF_THE_BOOK else month.lost


@dataclass(frozen=True, slots=True)
class SaidMonth:
    """A customer-month, and the policy's points as it began."""

    month: CustomerMonth
    points: int


@dataclass(frozen=True, slots=True)
class Measured:
    """A score's measures, and field → its interval, None where none can be told. `beyond_calendar`: its average
    precision less that of the calendar, an interval. `tenths`: what was said and what happened, the highest first."""

    found: Measures
    intervals: Mapping[str, Interval | None]
    beyond_calendar: Interval | None
    tenths: Sequence[tuple[float, float]] | None


@dataclass(frozen=True, slots=True)
class Loser:
    """The customer with the most losses, and its share of all."""

    customer: str
    share: float


@dataclass(frozen=True, slots=True)
class Worth:
    """What scores are worth on customer-months that are judged together. A score is None where it cannot be measured:
    nobody or everybody was lost, or it says nothing of some month."""

    months: int
    customers: int
    losses: int
    customers_lost: int
    base_rate: float | None
    base_rate_interval: Interval | None
    largest_loser: Loser | None
    scores: Mapping[Score, Measured | None]


@dataclass(frozen=True, slots=True)
class Section(Worth):
    """`outcomes`: how many had ended before the last of its months; `is_fitted`: whether any forecast was more than the
    base rate of those."""

    label: Label
    at: Sequence[date]
    outcomes: int
    is_fitted: bool


def section(said: Sequence[SaidMonth], found: Forecasts, label: Label) -> Section:
    at = sorted({one.month.at for one in said})
    values = {score: [value_of(one) for one in said] for score, value_of in _values(found).items()}
    lost = [label.is_lost(one.month) for one in said]
    worth = worth_of(values, [one.month.customer for one in said], lost)
    return _section(worth, found, label, at)


def _section(worth: Worth, found: Forecasts, label: Label, at: Sequence[date]) -> Section:
    return made_from(
        Section,
        worth,
        label=label,
        at=at,
        outcomes=found.outcomes_before(at[-1]) if at else 0,
        is_fitted=any(found.is_fitted(one) for one in at),
    )


def worth_of(
    values: Mapping[Score, Sequence[float | None]], whose: Sequence[str], lost: Sequence[bool]
) -> Worth:
    """`values`: what each score, that of the calendar among them, says of each customer-month; `whose` and `lost` are of
    the same."""
    place = {name: number for number, name in enumerate(sorted(set(whose)))}
    customers = [place[name] for name in whose]
    losers = Counter(name for name, is_lost in zip(whose, lost, strict=True) if is_lost)
    ranked = {score: _ranked(told, customers, lost) for score, told in values.items()}
    drawn = list(draws(len(place), len(whose))) if _can_be_drawn(whose, lost) else []
    return Worth(
        len(whose),
        len(place),
        sum(lost),
        len(losers),
        sum(lost) / len(lost) if lost else None,
        _base_rate_interval(ranked[Score.CALENDAR], drawn),
        _largest(losers),
        _scores(ranked, drawn),
    )


def _can_be_drawn(whose: Sequence[str], lost: Sequence[bool]) -> bool:
    """Both who was lost and who was kept must be several customers."""
    found = set(zip(whose, lost, strict=True))
    return all(sum(is_lost is which for _, is_lost in found) >= CUSTOMERS_MIN for which in (True, False))


def _largest(losers: Counter[str]) -> Loser | None:
    if not losers:
        return None
    customer = min(losers, key=lambda name: (-losers[name], name))
    return Loser(customer, losers[customer] / losers.total())


def _ranked(values: Sequence[float | None], whose: Sequence[int], lost: Sequence[bool]) -> Ranked | None:
    known = [value for value in values if value is not None]
    return Ranked.of(known, whose, lost) if len(known) == len(values) else None


def _values(found: Forecasts) -> dict[Score, Callable[[SaidMonth], float | None]]:
    """Of each score what rises with the risk."""
    return {
        Score.POINTS: lambda one: one.points,
        Score.SCORE_P: lambda one: one.month.features.score,
        Score.P_RENEW: lambda one: found.p_lost(one.month),
        Score.PAST_BASE_RATE: lambda one: found.base_rate(one.month),
        Score.CALENDAR: lambda one: one.month.features.silent_days,
    }


def _base_rate_interval(ranked: Ranked | None, drawn: Sequence[Sequence[int]]) -> Interval | None:
    if ranked is None:
        return None
    groups = [ranked.groups(times) for times in drawn]
    return interval([sum(one.lost) / sum(one.many) if sum(one.many) else None for one in groups])


def _scores(
    ranked: Mapping[Score, Ranked | None], drawn: Sequence[Sequence[int]]
) -> dict[Score, Measured | None]:
    again = {score: _again(score, one, drawn) for score, one in ranked.items()}
    return {
        score: _measured(score, one, again[score], again[Score.CALENDAR]) for score, one in ranked.items()
    }


def _again(score: Score, ranked: Ranked | None, drawn: Sequence[Sequence[int]]) -> list[Measures | None]:
    """Its measures draw by draw."""
    if ranked is None:
        return []
    return [measured(ranked.groups(times), is_probability=score in PROBABILITIES) for times in drawn]


def _measured(
    score: Score,
    ranked: Ranked | None,
    again: Sequence[Measures | None],
    calendar: Sequence[Measures | None],
) -> Measured | None:
    if ranked is None:
        return None
    groups, is_probability = ranked.groups(), score in PROBABILITIES
    found = measured(groups, is_probability=is_probability)
    if found is None:
        return None
    beyond = [
        one.average_precision - other.average_precision if one and other else None
        for one, other in zip(again, calendar, strict=True)
    ]
    return Measured(
        found,
        {
            part.name: interval([getattr(one, part.name) if one else None for one in again])
            for part in fields(Measures)
        },
        interval(beyond) if score is not Score.CALENDAR else None,
        list(tenths(groups)) if is_probability else None,
    )
