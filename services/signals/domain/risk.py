"""The renewal risk: a sum of points that a person can follow, each with its number, its threshold and its
evidence."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Self

from services.signals.domain.evidence import Evidence
from services.signals.domain.policy import Factor, RiskRule
from shared.values.made_from import made_from

SCORE_MAX = 100


@dataclass(frozen=True, slots=True)
class Reason:
    """A factor that counts, with the number that is past its threshold, and where the proof of it lies; None on
    paper."""

    reason: str
    number: Decimal
    threshold: Decimal
    points: int
    says: str
    evidence: Evidence | None

    @classmethod
    def of(cls, factor: Factor, number: Decimal, evidence: Evidence | None) -> Self:
        return made_from(cls, factor, number=number, evidence=evidence)


@dataclass(frozen=True, slots=True)
class Risk:
    """`score` is 0 to 100; `reasons` are ranked, the heaviest first."""

    score: int
    at_risk: bool
    reasons: tuple[Reason, ...]


def _on_paper(_reason: str) -> None:
    return None


def risk(
    numbers: Mapping[str, Decimal | None],
    rule: RiskRule,
    was_at_risk: bool,
    proofs: Callable[[str], Evidence | None] = _on_paper,
) -> Risk:
    """Score what is known: a number that is None says nothing. Of several thresholds of one reason only the
    heaviest counts. `proofs` says where the proof of a reason lies."""
    reached: dict[str, Reason] = {}
    for factor in rule.factors:
        number = numbers.get(factor.reason)
        if (
            number is not None
            and _past(number, factor)
            and factor.points > _points(reached.get(factor.reason))
        ):
            reached[factor.reason] = Reason.of(factor, number, proofs(factor.reason))
    ranked = tuple(sorted(reached.values(), key=lambda reason: (-reason.points, reason.reason)))
    score = min(sum(reason.points for reason in ranked), SCORE_MAX)
    return Risk(score, score >= (rule.safe_below if was_at_risk else rule.at_risk_from), ranked)


def _past(number: Decimal, factor: Factor) -> bool:
    return number >= factor.threshold if factor.at_least else number <= factor.threshold


def _points(reason: Reason | None) -> int:
    return reason.points if reason else 0
