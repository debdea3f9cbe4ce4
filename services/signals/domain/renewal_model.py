"""p_renew: how probable it is that a customer stays, learned from outcomes that are known. The one forecast of the
risk.

A logistic regression on six features, each centred and scaled by what was learned from, with a ridge: its weights are
drawn towards zero, and so its forecast towards the base rate, the more the fewer outcomes there are. It is fitted by
Newton's method, which for this function has one answer, whatever the order. Below 60 outcomes there is nothing to fit:
the forecast is the base rate (ADR 0044).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import exp, log, log1p, sqrt
from typing import Self

OUTCOMES_MIN = 60
#: More are thinned out evenly: what a weight is known to is by then finer than what moves it from month to month.
OUTCOMES_MAX = 1_000
RIDGE = 1.0
STEPS_MAX, CLOSE_ENOUGH = 50, 1e-9
#: Beyond it a logistic is 0 or 1 to the last place.
LOGIT_MAX = 35.0

Vector = Sequence[float]


@dataclass(frozen=True, slots=True)
class Features:
    """What is known of a customer as a day begins: `fall`, `gone` and `score` as `risk_probability` says (0 where it
    says nothing), whole silent days, events of the last 28 days, days since the first use."""

    score: float
    fall: float
    gone: float
    silent_days: int
    new: int
    days_since_first_use: int

    def vector(self) -> tuple[float, ...]:
        return (
            self.score,
            self.fall,
            self.gone,
            log1p(self.silent_days),
            log1p(self.new),
            log1p(self.days_since_first_use),
        )


@dataclass(frozen=True, slots=True)
class Outcome:
    """What was known of a customer as a day began, and whether it was lost after it."""

    features: Features
    lost: bool


@dataclass(frozen=True, slots=True)
class Scaling:
    """Of one feature: the mean and the deviation of what was learned from, and its bounds. What lies beyond is taken as
    the bound, for nothing was learned of it: where everybody was new, a weight of newness says nothing of the old."""

    centre: float
    scale: float
    low: float
    high: float

    @classmethod
    def of(cls, column: Vector) -> Self:
        """The scale is 1 where it never varies: it is 0 throughout once centred."""
        centre = sum(column) / len(column)
        scale = sqrt(sum((one - centre) ** 2 for one in column) / len(column))
        return cls(centre, scale or 1.0, min(column), max(column))

    def scaled(self, value: float) -> float:
        return (min(max(value, self.low), self.high) - self.centre) / self.scale


@dataclass(frozen=True, slots=True)
class RenewalModel:
    """What was learned, as numbers that can be stored: `outcomes` of which a share `base_rate` was lost. The rest is
    empty where there were too few to fit; then every customer has the base rate."""

    outcomes: int
    base_rate: float
    scaling: tuple[Scaling, ...] = ()
    #: The first is the constant.
    weights: tuple[float, ...] = ()

    @property
    def is_fitted(self) -> bool:
        return bool(self.weights)

    def p_renew(self, features: Features) -> float:
        """The probability that the customer is not lost in the three months that follow."""
        if not self.is_fitted:
            return 1 - self.base_rate
        return 1 - _logistic(_dot(self.weights, _scaled(features.vector(), self.scaling)))


def fit(outcomes: Sequence[Outcome]) -> RenewalModel | None:
    """Learn from outcomes, all of which had ended when this is asked; None without any. Where all of them ended
    alike there is nothing to tell apart, and the base rate stays."""
    if not outcomes:
        return None
    lost = sum(one.lost for one in outcomes)
    base_rate = lost / len(outcomes)
    if len(outcomes) < OUTCOMES_MIN or lost in (0, len(outcomes)):
        return RenewalModel(len(outcomes), base_rate)
    some = _thinned(outcomes)
    scaling = tuple(
        Scaling.of(column) for column in zip(*(one.features.vector() for one in some), strict=True)
    )
    rows = [_scaled(one.features.vector(), scaling) for one in some]
    constant, *weights = _newton(rows, [float(one.lost) for one in some])
    constant += _logit(base_rate) - _logit(sum(one.lost for one in some) / len(some))
    return RenewalModel(len(outcomes), base_rate, scaling, (constant, *weights))


def _thinned(outcomes: Sequence[Outcome]) -> list[Outcome]:
    """Evenly of the lost and of the kept, at least one of each; the constant makes up for what that rounds."""
    step = -(-len(outcomes) // OUTCOMES_MAX)
    return [one for which in (True, False) for one in [one for one in outcomes if one.lost is which][::step]]


def _scaled(vector: Vector, scaling: Sequence[Scaling]) -> tuple[float, ...]:
    """With the constant before it."""
    return (1.0, *(one.scaled(value) for one, value in zip(scaling, vector, strict=True)))


def _newton(rows: Sequence[Vector], lost: Vector) -> tuple[float, ...]:
    """The weights at which the penalised likelihood is largest. It is concave, and a step that would overshoot is
    halved until it does not."""
    weights = (0.0,) * len(rows[0])
    worth = _worth(rows, lost, weights)
    for _ in range(STEPS_MAX):
        step = _solved(*_slope(rows, lost, weights))
        while (found := _worth(rows, lost, tried := _sum(weights, step))) < worth - CLOSE_ENOUGH:
            step = tuple(one / 2 for one in step)
        weights, gained, worth = tried, found - worth, found
        if gained < CLOSE_ENOUGH:
            break
    return weights


def _worth(rows: Sequence[Vector], lost: Vector, weights: Vector) -> float:
    """The log-likelihood less the ridge; the constant is not drawn anywhere."""
    logits = (_dot(weights, row) for row in rows)
    told = sum(y * z - _softplus(z) for y, z in zip(lost, logits, strict=True))
    return told - RIDGE * sum(one * one for one in weights[1:]) / 2


def _slope(rows: Sequence[Vector], lost: Vector, weights: Vector) -> tuple[list[float], list[list[float]]]:
    """Gradient and curvature there."""
    size = len(weights)
    gradient = [-RIDGE * one if at else 0.0 for at, one in enumerate(weights)]
    curvature = [[RIDGE if at == to and at else 0.0 for to in range(size)] for at in range(size)]
    for row, y in zip(rows, lost, strict=True):
        p = _logistic(_dot(weights, row))
        missed, spread = y - p, p * (1 - p)
        for at, one in enumerate(row):
            gradient[at] += missed * one
            line, part = curvature[at], spread * one
            for to in range(at + 1):
                line[to] += part * row[to]
    return gradient, curvature


def _solved(gradient: list[float], curvature: list[list[float]]) -> tuple[float, ...]:
    """Solve curvature · x = gradient by Cholesky; of the curvature the lower half is read. It is positive definite by
    its ridge."""
    size = len(gradient)
    root = [[0.0] * size for _ in range(size)]
    for at in range(size):
        for to in range(at + 1):
            rest = curvature[at][to] - _dot(root[at][:to], root[to][:to])
            root[at][to] = sqrt(rest) if at == to else rest / root[to][to]
    half = list[float]()
    for at in range(size):
        half.append((gradient[at] - _dot(root[at][:at], half)) / root[at][at])
    found = [0.0] * size
    for at in reversed(range(size)):
        rest = half[at] - sum(root[below][at] * found[below] for below in range(at + 1, size))
        found[at] = rest / root[at][at]
    return tuple(found)


def _dot(one: Vector, other: Vector) -> float:
    return sum(a * b for a, b in zip(one, other, strict=True))


def _sum(one: Vector, other: Vector) -> tuple[float, ...]:
    return tuple(a + b for a, b in zip(one, other, strict=True))


def _logit(share: float) -> float:
    return log(share / (1 - share))


def _logistic(logit: float) -> float:
    return 1 / (1 + exp(-max(-LOGIT_MAX, min(LOGIT_MAX, logit))))


def _softplus(logit: float) -> float:
    """ln(1 + e^z), for any z."""
    return max(logit, 0.0) + log1p(exp(-abs(logit)))
