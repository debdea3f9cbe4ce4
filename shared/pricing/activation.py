"""Activation: what a customer reaches when the product has taken hold. Read by signals; costs nothing."""

from typing import Annotated, Any

from pydantic import Discriminator, Field, Tag

from shared.pricing.clause import Clause
from shared.pricing.fields import Count, PositiveQuantity, Weight
from shared.values.fields import Key


class QuantityMilestone(Clause):
    """Reached when a meter has counted this much since the start."""

    key: Key
    meter: Key
    at_least: PositiveQuantity
    weight: Weight


class TeamMilestone(Clause):
    """Reached when this many different users were active within some days."""

    key: Key
    active_users: Count
    in_days: Count
    weight: Weight


def _milestone_kind(value: Any) -> str:
    holds = value.keys() if isinstance(value, dict) else getattr(type(value), "model_fields", ())
    if "commitment_share" in holds:
        return "commitment_share"  # known to the language, not offered: refused by its name
    return "team_milestone" if "active_users" in holds or "in_days" in holds else "quantity_milestone"


Milestone = Annotated[
    Annotated[QuantityMilestone, Tag("quantity_milestone")] | Annotated[TeamMilestone, Tag("team_milestone")],
    Discriminator(_milestone_kind),
]


class Activation(Clause):
    """The milestones, and the days from the contract's start in which they are due."""

    deadline_days: Annotated[int, Field(strict=True, ge=1, le=3650)]
    milestones: Annotated[tuple[Milestone, ...], Field(min_length=1, max_length=50)]
