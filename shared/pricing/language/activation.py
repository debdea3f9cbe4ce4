"""Activation: what a customer reaches when the product has taken hold. Read by signals; costs nothing."""

from collections import Counter
from collections.abc import Collection
from datetime import date, timedelta
from decimal import Decimal
from functools import cache
from typing import Annotated

from pydantic import Discriminator, Field, Tag

from shared.pricing.clause import Clause
from shared.pricing.fields import Count, PositiveQuantity, Weight
from shared.pricing.not_priced import MILESTONE_FIELDS
from shared.pricing.unions import members
from shared.values.fields import Key


class QuantityMilestone(Clause):
    """Reached when a meter has counted this much since the start."""

    key: Key
    meter: Key
    at_least: PositiveQuantity
    weight: Weight

    @property
    def needs(self) -> Decimal:
        return self.at_least


class TeamMilestone(Clause):
    """Reached when this many different users were active within some days."""

    key: Key
    active_users: Count
    in_days: Count
    weight: Weight

    @property
    def needs(self) -> Decimal:
        return Decimal(self.active_users)


def _milestone_kind(value: object) -> str:
    """Return the tag of the kind that has a field of the milestone to itself, of the first kind where none
    has."""
    holds = value.keys() if isinstance(value, dict) else getattr(type(value), "model_fields", {}).keys()
    by_field, otherwise = _kinds()
    return next((tag for field, tag in by_field.items() if field in holds), otherwise)


@cache
def _kinds() -> tuple[dict[str, str], str]:
    """Return field → the kind that alone has it, kinds written later first, and the kind written first.

    A field that makes a kind which is not offered goes by its own name, before all.
    """
    kinds = members(Milestone, Clause)
    shared = Counter(field for kind in kinds.values() for field in kind.model_fields)
    own = {field: tag for tag in reversed(kinds) for field in kinds[tag].model_fields if shared[field] == 1}
    return {field: field for field in sorted(MILESTONE_FIELDS - own.keys())} | own, next(iter(kinds))


Milestone = Annotated[
    Annotated[QuantityMilestone, Tag("quantity_milestone")] | Annotated[TeamMilestone, Tag("team_milestone")],
    Discriminator(_milestone_kind),
]


class Activation(Clause):
    """The milestones, and the days from the contract's start in which they are due."""

    deadline_days: Annotated[int, Field(strict=True, ge=1, le=3650)]
    milestones: Annotated[tuple[Milestone, ...], Field(min_length=1, max_length=50)]

    def deadline(self, start: date) -> date:
        """The first day after the time, counted from the contract's start."""
        return start + timedelta(days=self.deadline_days)

    def share_of(self, reached: Collection[str]) -> Decimal:
        """The weight of the milestones with these keys ÷ the weight of all; 1 = all of it."""
        weight = sum((milestone.weight for milestone in self.milestones), Decimal())
        done = (milestone.weight for milestone in self.milestones if milestone.key in reached)
        return sum(done, Decimal()) / weight
