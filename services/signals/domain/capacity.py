"""Contracted capacity on a day: what of the allowance or the spending minimum is consumed, by when it will be
used up, what will be missing."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from services.signals.domain.consumption import Consumption, consumptions
from services.signals.domain.customer_day import Contract, Customer
from services.signals.domain.policy import Policy
from services.signals.domain.projection import Projection, pace, project
from services.signals.domain.rollup import monday
from shared.values.instants import from_us


@dataclass(frozen=True, slots=True)
class Capacity:
    """A Consumption of the service period that holds the last whole day, with its projection to that period's
    end."""

    kind: str
    line: str | None
    unit: str
    period_start: date
    period_end: date  # inclusive
    capacity: Decimal
    used: Decimal
    share: Decimal | None
    elapsed: Decimal
    pace: Decimal | None
    projection: Projection | None


def capacities(
    customer: Customer, contract: Contract, terms: Mapping[str, Any], day: date, policy: Policy
) -> list[Capacity]:
    """Return the capacities as `day` begins; nothing before the first statement."""
    last = (day - timedelta(days=1)).isoformat()
    statement = next(
        (one for one in contract.statements if one["period_start_date"] <= last <= one["period_end_date"]),
        None,
    )
    if statement is None:
        return []
    first, end = (
        date.fromisoformat(statement["period_start_date"]),
        date.fromisoformat(statement["period_end_date"]) + timedelta(days=1),
    )

    def quantity_at(meter: str) -> Decimal | None:
        known, rollup = customer.meters.get(meter), customer.rollups.get(meter)
        return (
            rollup.value_between(first, day)
            if rollup is not None and known is not None and known.adds_up
            else None
        )

    start, close = from_us(statement["period_start_us"]), from_us(statement["period_end_us"])
    found = consumptions(statement, terms, customer.midnight(day), start, close, quantity_at)
    return [_projected(customer, one, statement, first, day, end, policy) for one in found]


def _projected(
    customer: Customer,
    one: Consumption,
    statement: Mapping[str, Any],
    first: date,
    day: date,
    end: date,
    policy: Policy,
) -> Capacity:
    meter = (
        one.unit
        if one.kind == "allowance"
        else next((line["meter"] for line in statement["lines"] if line.get("meter")), None)
    )
    return Capacity(
        one.kind,
        one.line,
        one.unit,
        first,
        end - timedelta(days=1),
        one.capacity,
        one.used,
        one.share,
        one.elapsed,
        one.pace,
        _projection(customer, meter, one, first, day, end, policy),
    )


def _projection(
    customer: Customer, meter: str | None, one: Consumption, first: date, day: date, end: date, policy: Policy
) -> Projection | None:
    """At the pace of the meter's last weeks, each event worth what it was worth in this period so far."""
    rollup = customer.rollups.get(meter or "")
    if rollup is None or not (events := rollup.events_between(first, day)):
        return None
    weeks = pace(rollup.weeks_between(monday(day) - timedelta(weeks=policy.projection_weeks), day))
    return project(one.used, one.capacity, weeks.times(one.used / events), day, end) if weeks else None


def periods_over(contract: Contract, day: date, periods: int) -> Iterator[tuple[str, list[dict[str, str]]]]:
    """Lines that were above their allowance in the last `periods` closed periods, the last of which ended
    yesterday."""
    closed = [one for one in contract.statements if one["period_end_date"] < day.isoformat()][-periods:]
    if len(closed) < periods or closed[-1]["period_end_date"] != (day - timedelta(days=1)).isoformat():
        return
    for name in closed[-1].get("consumption", {}):
        kind, _, line = name.partition(":")
        figures = [_figures(one, line) for one in closed] if kind == "included" else []
        if figures and all(included and used > included for included, used in figures):
            yield (
                line,
                [
                    {"start": one["period_start_date"], "included": str(included), "used": str(used)}
                    for one, (included, used) in zip(closed, figures, strict=True)
                ],
            )


def _figures(statement: Mapping[str, Any], line: str) -> tuple[Decimal, Decimal]:
    said = statement.get("consumption", {})
    return Decimal(said.get(f"included:{line}", "0")), Decimal(said.get(f"used:{line}", "0"))
