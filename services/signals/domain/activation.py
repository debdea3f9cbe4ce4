"""Activation: how much of what a customer should reach early is reached, and whether the deadline can still
be met."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from enum import StrEnum

from shared.pricing.language.activation import Activation as ActivationClause
from shared.pricing.language.activation import Milestone as MilestoneClause
from shared.pricing.language.activation import TeamMilestone


class ActivationState(StrEnum):
    OPEN = "open"
    AT_RISK = "at_risk"
    REACHED = "reached"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Milestone:
    key: str
    weight: Decimal
    needs: Decimal
    has: Decimal
    reached_on: date | None  # the day on which it was first seen reached


@dataclass(frozen=True, slots=True)
class Activation:
    """`share` is the reached part of the milestones' weight, 1 = all of it. `deadline` is the first day after
    the time."""

    state: ActivationState
    share: Decimal
    deadline: date
    milestones: tuple[Milestone, ...]


@dataclass(frozen=True, slots=True)
class Reached:
    """What milestones are measured by: value since the start by meter, and distinct active users by length of
    the window in days."""

    value: Mapping[str, Decimal]
    users: Mapping[int, int]


def activation(
    clause: ActivationClause,
    start: date,
    day: date,
    reached: Reached,
    before: Mapping[str, date],
    risk_elapsed: Decimal,
) -> Activation:
    """Return how the activation stands as `day` begins. `before` says which milestones were reached earlier,
    and when."""
    milestones = tuple(_milestone(milestone, day, reached, before) for milestone in clause.milestones)
    share = clause.share_of([milestone.key for milestone in milestones if milestone.reached_on])
    deadline = clause.deadline(start)
    return Activation(
        _state(milestones, share, start, day, deadline, risk_elapsed), share, deadline, milestones
    )


def _milestone(clause: MilestoneClause, day: date, reached: Reached, before: Mapping[str, date]) -> Milestone:
    if isinstance(clause, TeamMilestone):
        has = Decimal(reached.users.get(clause.in_days, 0))
    else:
        has = reached.value.get(clause.meter, Decimal())
    on = before.get(clause.key) or (day - timedelta(days=1) if has >= clause.needs else None)
    return Milestone(clause.key, clause.weight, clause.needs, has, on)


def _state(
    milestones: tuple[Milestone, ...],
    share: Decimal,
    start: date,
    day: date,
    deadline: date,
    risk_elapsed: Decimal,
) -> ActivationState:
    if all(milestone.reached_on for milestone in milestones):
        return ActivationState.REACHED
    if day >= deadline:
        return ActivationState.FAILED
    elapsed = Decimal((day - start).days) / Decimal((deadline - start).days)
    return ActivationState.AT_RISK if elapsed >= risk_elapsed and share < elapsed else ActivationState.OPEN
