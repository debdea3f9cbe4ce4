"""What the facts tell Prometheus."""

from prometheus_client import Gauge

from services.signals.context import SignalsContext
from services.signals.facts.usecases.measure import times_by_seat
from shared.runtime.jobs import Job

EVERY_S = 300.0
ACKNOWLEDGED = Gauge(
    "u2c_signals_acknowledged_after_seconds",
    "Median time from when a signal became true until it was acknowledged, of the last 365 days of business time, by the "
    "seat it is meant for; no seat without one",
    ["seat"],
)
ENDED = Gauge(
    "u2c_signals_outcome_after_seconds",
    "Median time from when a signal became true until it was said or judged what came of it, likewise",
    ["seat"],
)


async def measure(context: SignalsContext) -> None:
    async with context.db.transaction() as uow:
        found = await times_by_seat(uow, context.clock.now())
    ACKNOWLEDGED.clear()
    ENDED.clear()
    for one in found:
        if one.acknowledged_after_s is not None:
            ACKNOWLEDGED.labels(one.seat).set(one.acknowledged_after_s)
        if one.outcome_after_s is not None:
            ENDED.labels(one.seat).set(one.outcome_after_s)


JOBS = (Job("signal_times", EVERY_S, measure, follows_clock=False),)
