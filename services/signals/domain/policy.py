"""The policy: every weight, threshold and hysteresis of the signals, as versioned data that a person can read
and change."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from services.signals.domain.producer import ProducerRule
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
class ExpansionRule:
    """So many closed periods in a row above the allowance; or so many above `deepening_share` of it while use
    deepens."""

    periods_over: int
    deepening_periods: int
    deepening_share: Decimal


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
    recent_noise: Decimal
    silence: SilenceRule
    producer: ProducerRule
    thresholds: tuple[Decimal, ...]
    projection_weeks: int
    expansion: ExpansionRule
    depth_items_min: int
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
        recent_noise=Decimal(recent["noise"]),
        silence=SilenceRule(**document["silence"]),
        producer=_producer_of(document["producer"], SilenceRule(**document["silence"])),
        thresholds=tuple(Decimal(share) for share in ahead["thresholds"]),
        projection_weeks=ahead["projection_weeks"],
        expansion=_expansion_of(document["expansion"]),
        depth_items_min=document["depth"]["items_min"],
        most_active=_most_active_of(document["most_active"]),
        activation_risk_elapsed=Decimal(document["activation"]["at_risk_elapsed"]),
        notice_steps_days=tuple(document["renewal"]["notice_steps_days"]),
        risk=_risk_of(document["risk"]),
    )
    _refuse_flapping(policy)
    return policy


def _refuse_flapping(policy: Policy) -> None:
    risk, trend, active = policy.risk, policy.trend, policy.most_active
    if (
        risk.safe_below > risk.at_risk_from
        or trend.leave > min(trend.enter, trend.enter_step)
        or active.leave > active.enter
    ):
        raise ValueError("a state must end at or below where it begins, or it flaps")


def _trend_of(trend: Mapping[str, Any]) -> TrendRule:
    return TrendRule(
        trend["weeks_min"],
        *(float(trend[name]) for name in ("enter", "enter_step", "leave", "noise", "tell_max")),
    )


def _producer_of(producer: Mapping[str, Any], silence: SilenceRule) -> ProducerRule:
    return ProducerRule(
        producer["customers_min"],
        float(producer["share"]),
        producer["within_days"],
        producer["before_days"],
        producer["excused_days"],
        silence,
    )


def _expansion_of(expansion: Mapping[str, Any]) -> ExpansionRule:
    return ExpansionRule(
        expansion["periods_over"], expansion["deepening_periods"], Decimal(expansion["deepening_share"])
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
