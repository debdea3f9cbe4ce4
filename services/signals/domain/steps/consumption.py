"""Consumption of a contract: thresholds that are passed, and allowances that are outgrown."""

from collections.abc import Sequence

from services.signals.domain.agreed import Agreed
from services.signals.domain.capacity import Capacity, periods_over
from services.signals.domain.customer_day import Known
from services.signals.domain.fact import Fact
from services.signals.domain.shown import shown_object

Keys = tuple[tuple[str, ...], ...]


def pass_thresholds(
    known: Known, agreed: Agreed, capacities: Sequence[Capacity], before: Keys
) -> tuple[list[Fact], Keys]:
    """One fact a capacity, period and threshold."""
    facts = [
        Fact(
            "customer.consumption.threshold_reached",
            (agreed.name, one.period_start.isoformat(), one.kind, one.line or "", str(threshold)),
            known.day,
            {**shown_object(one), "threshold": str(threshold)},
            agreed.name,
        )
        for one in capacities
        for threshold in known.policy.thresholds
        if one.share is not None and one.share >= threshold
    ]
    return [fact for fact in facts if fact.key not in before], tuple(fact.key for fact in facts)


def outgrow_allowance(known: Known, agreed: Agreed) -> list[Fact]:
    """Above the allowance in the last closed periods, all of them: told on the first day after the last."""
    return [
        Fact(
            "expansion.ready",
            (agreed.name, line, periods[-1]["start"]),
            known.day,
            {"line": line, "periods": periods},
            agreed.name,
        )
        for line, periods in periods_over(agreed.contract, known.day, known.policy.expansion_periods)
    ]
