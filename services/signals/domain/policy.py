"""The policy: every weight, threshold and hysteresis of the signals, as versioned data that a person can read
and change."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from services.signals.domain.silence import SilenceRule
from services.signals.domain.trend import TrendRule


@dataclass(frozen=True, slots=True)
class Factor:
    """One reason of the risk score: it adds `points` when its number is at or past `threshold`."""

    reason: str
    threshold: Decimal
    points: int
    #: True: at or above the threshold; False: at or below it.
    at_least: bool
    says: str


@dataclass(frozen=True, slots=True)
class RiskRule:
    at_risk_from: int
    safe_below: int
    factors: tuple[Factor, ...]


@dataclass(frozen=True, slots=True)
class MostActiveRule:
    """Who the most active users are, when they are quiet, and from which share of them on (with hysteresis)
    it is told."""

    share: Decimal
    users_min: int
    quiet_days: int
    enter: Decimal
    leave: Decimal


@dataclass(frozen=True, slots=True)
class Policy:
    version: str
    #: Local hour of the customer from which a day is evaluated.
    evaluation_hour: int
    trend: TrendRule
    trend_weeks_max: int
    checkpoint_months: int
    recent_weeks: int
    recent_before_weeks: int
    silence: SilenceRule
    thresholds: tuple[Decimal, ...]
    projection_weeks: int
    expansion_periods: int
    most_active: MostActiveRule
    activation_risk_elapsed: Decimal
    notice_steps_days: tuple[int, ...]
    risk: RiskRule


def policy_of(document: Mapping[str, Any]) -> Policy:
    """Read a policy document; decimals are written as text. Raises KeyError or ValueError for one that is not
    whole."""
    trend, recent, ahead = document["trend"], document["recent"], document["consumption"]
    policy = Policy(
        version=str(document["version"]),
        evaluation_hour=document["evaluation_hour"],
        trend=_trend_of(trend),
        trend_weeks_max=trend["weeks_max"],
        checkpoint_months=trend["checkpoint_months"],
        recent_weeks=recent["weeks"],
        recent_before_weeks=recent["before_weeks"],
        silence=SilenceRule(**document["silence"]),
        thresholds=tuple(Decimal(share) for share in ahead["thresholds"]),
        projection_weeks=ahead["projection_weeks"],
        expansion_periods=document["expansion"]["periods_over"],
        most_active=_most_active_of(document["most_active"]),
        activation_risk_elapsed=Decimal(document["activation"]["at_risk_elapsed"]),
        notice_steps_days=tuple(document["renewal"]["notice_steps_days"]),
        risk=_risk_of(document["risk"]),
    )
    _refuse_flapping(policy)
    return policy


def _refuse_flapping(policy: Policy) -> None:
    risk, trend, active = policy.risk, policy.trend, policy.most_active
    if risk.safe_below > risk.at_risk_from or trend.leave > trend.enter or active.leave > active.enter:
        raise ValueError("a state must end at or below where it begins, or it flaps")


def _trend_of(trend: Mapping[str, Any]) -> TrendRule:
    return TrendRule(
        trend["weeks_min"], Decimal(trend["enter"]), Decimal(trend["leave"]), Decimal(trend["noise"])
    )


def _most_active_of(active: Mapping[str, Any]) -> MostActiveRule:
    return MostActiveRule(
        Decimal(active["share"]),
        active["users_min"],
        active["quiet_days"],
        Decimal(active["enter"]),
        Decimal(active["leave"]),
    )


def _risk_of(risk: Mapping[str, Any]) -> RiskRule:
    factors = tuple(
        Factor(
            factor["reason"],
            Decimal(factor["threshold"]),
            factor["points"],
            factor["when"] == "at_least",
            factor["says"],
        )
        for factor in risk["factors"]
    )
    return RiskRule(risk["at_risk_from"], risk["safe_below"], factors)
