"""Consumption of a contract: thresholds that are passed, and allowances that are outgrown."""

from collections.abc import Sequence

from services.signals.domain.agreed import Agreed
from services.signals.domain.capacity import Capacity, periods_over
from services.signals.domain.customer_day import Known
from services.signals.domain.fact import Fact
from services.signals.domain.shown import shown_object
from services.signals.domain.trend import TrendState

OUTGROWN, OF_DEEPENING = "above the allowance", "above most of the allowance while use deepens"
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


def outgrow_allowance(known: Known, agreed: Agreed, trend: TrendState) -> list[Fact]:
    """Above the allowance in the last closed periods, all of them, or above most of it while use deepens: told on the
    first day after the last, once a line."""
    rule = known.policy.expansion
    ready = {
        line: (OUTGROWN, periods)
        for line, periods in periods_over(agreed.contract, known.day, rule.periods_over)
    }
    if trend is TrendState.DEEPENING:
        nearly = periods_over(agreed.contract, known.day, rule.deepening_periods, rule.deepening_share)
        ready = {line: (OF_DEEPENING, periods) for line, periods in nearly} | ready
    return [
        Fact(
            "expansion.ready",
            (agreed.name, line, periods[-1]["start"]),
            known.day,
            {"line": line, "because": because, "periods": periods},
            agreed.name,
        )
        for line, (because, periods) in ready.items()
    ]
