"""Activation of a contract: its milestones, and the state it came to."""

from collections.abc import Mapping
from datetime import date

from services.signals.domain.activation import Activation, ActivationState, Reached, activation
from services.signals.domain.agreed import Agreed, counted_since
from services.signals.domain.customer_day import Known
from services.signals.domain.fact import Fact
from services.signals.domain.shown import shown_object
from services.signals.domain.state import Totals
from shared.pricing.language.activation import QuantityMilestone

Milestones = Mapping[str, date]


def reach_milestones(
    known: Known, agreed: Agreed, totals: Totals, before: Milestones
) -> tuple[Activation | None, Milestones]:
    """What is reached once stays reached. None without an activation, and before the contract's start."""
    clause, start = agreed.terms.activation, agreed.start
    if clause is None or known.day < start:
        return None, before
    meters = {one.meter for one in clause.milestones if isinstance(one, QuantityMilestone)}
    value = {meter: counted_since(known, meter, start, totals) for meter in meters}
    reached = Reached(value, known.engagement.users_by_days if known.engagement else {})
    found = activation(clause, start, known.day, reached, before, known.policy.activation_risk_elapsed)
    return found, {one.key: one.reached_on for one in found.milestones if one.reached_on}


def activate(
    known: Known, agreed: Agreed, found: Activation | None, before: ActivationState
) -> tuple[list[Fact], ActivationState]:
    """One fact a state; `late` after the deadline."""
    if found is None or found.state in (before, ActivationState.OPEN):
        return [], before
    data = {**shown_object(found), "late": known.day > found.deadline}
    key = (agreed.name, str(found.state))
    return [Fact(f"customer.activation.{found.state}", key, known.day, data, agreed.name)], found.state
