"""Schedules of webhooks. Safe in any number of replicas: a lane has one owner. Retries are not due instants
of the clock."""

from datetime import datetime

from prometheus_client import Gauge

from services.signals.webhooks.usecases import keep_house
from services.signals.webhooks.usecases.send import WebhooksContext
from shared.db.unit_of_work import UnitOfWork
from shared.runtime.context import AnyContext
from shared.runtime.jobs import Job
from shared.runtime.retention import DELIVERIES, EVERY_S, STEP_ROWS, forget

SEND_EVERY_S, SEND_SOON_S, MEASURE_EVERY_S = 2.0, 0.5, 10.0
OLDEST = Gauge(
    "u2c_webhook_oldest_pending_seconds",
    "For how long the oldest webhook that was not delivered yet has waited; 0: none does",
)
ENDPOINTS = Gauge("u2c_webhook_endpoints", "Webhook endpoints by state", ["state"])


async def send(context: WebhooksContext) -> None:
    await context.state.lanes.start_due()


async def measure(context: WebhooksContext) -> None:
    """How long the oldest delivery has waited, and how many endpoints there are in each state."""
    async with context.db.transaction() as uow:
        waits = await keep_house.measure(uow, context.clock.now())
    OLDEST.set(waits.oldest_s)
    for state in ("enabled", "disabled"):
        ENDPOINTS.labels(state).set(waits.endpoints.get(state, 0))


async def forget_deliveries(context: AnyContext) -> None:
    await forget(context, DELIVERIES, _step)


async def _step(uow: UnitOfWork, before: datetime) -> int:
    return await keep_house.forget_deliveries(uow, before, STEP_ROWS)


JOBS = (
    Job("webhooks", SEND_EVERY_S, send, soon_s=SEND_SOON_S),
    Job("webhooks_open", MEASURE_EVERY_S, measure, follows_clock=False),
    Job("forget_deliveries", EVERY_S, forget_deliveries, follows_clock=False),
)
