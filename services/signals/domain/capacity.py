"""Contracted capacity on a day: what of the allowance or the spending minimum is consumed, by when it will be
used up, what will be missing."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from services.signals.domain.consumption import Consumption, consumptions
from services.signals.domain.customer_day import Contract, Known
from services.signals.domain.projection import Projection, pace, project
from services.signals.domain.rollup import monday
from services.signals.domain.statement import Statement
from shared.pricing.language import Terms


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


def capacities(known: Known, contract: Contract, terms: Terms) -> list[Capacity]:
    """Return the capacities as the day begins; nothing before the first statement."""
    statement = next((one for one in contract.statements if one.holds(known.yesterday)), None)
    if statement is None:
        return []
    customer, first, day = known.customer, statement.period_start_date, known.day

    def quantity_at(meter: str) -> Decimal | None:
        of_catalogue, rollup = customer.meters.get(meter), customer.rollups.get(meter)
        if rollup is None or of_catalogue is None or not of_catalogue.adds_up:
            return None
        return rollup.value_between(first, day)

    found = consumptions(statement, terms, known.began, quantity_at)
    return [_projected(known, statement, one) for one in found]


def _projected(known: Known, statement: Statement, one: Consumption) -> Capacity:
    meter = one.unit
    if one.kind != "allowance":
        meter = next((line.meter for line in statement.lines if line.meter), "")
    return Capacity(
        one.kind,
        one.line,
        one.unit,
        statement.period_start_date,
        statement.period_end_date,
        one.capacity,
        one.used,
        one.share,
        one.elapsed,
        one.pace,
        _projection(known, statement, meter, one),
    )


def _projection(known: Known, statement: Statement, meter: str, one: Consumption) -> Projection | None:
    """At the pace of the meter's last weeks, each event worth what it was worth in this period so far."""
    rollup, day = known.customer.rollups.get(meter), known.day
    if rollup is None or not (events := rollup.events_between(statement.period_start_date, day)):
        return None
    begins = monday(day) - timedelta(weeks=known.policy.projection_weeks)
    weeks = pace(rollup.weeks_between(begins, day))
    if weeks is None:
        return None
    return project(one.used, one.capacity, weeks.times(one.used / events), day, statement.end_day)


def periods_over(
    contract: Contract, day: date, periods: int, share: Decimal = Decimal(1)
) -> Iterator[tuple[str, list[dict[str, str]]]]:
    """Lines that were above their allowance, or above a share of it, in the last `periods` closed periods, the last of
    which ended yesterday."""
    closed = [one for one in contract.statements if one.period_end_date < day][-periods:]
    if len(closed) < periods or closed[-1].end_day != day:
        return
    for line in closed[-1].lines_included:
        if all(_is_over(one, line, share) for one in closed):
            yield line, [_over(one, line) for one in closed]


def _is_over(statement: Statement, line: str, share: Decimal) -> bool:
    included = statement.included(line)
    return included > 0 and statement.used(line) > included * share


def _over(statement: Statement, line: str) -> dict[str, str]:
    return {
        "start": statement.period_start_date.isoformat(),
        "included": str(statement.included(line)),
        "used": str(statement.used(line)),
    }
