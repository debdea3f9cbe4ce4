"""Schedules of webhooks. Safe in any number of replicas: a lane has one owner. Retries are not due instants of the clock."""

from services.signals.webhooks.lanes import Lanes
from shared.service import Context, Job

SEND_EVERY_S = 0.5


async def send(context: Context) -> None:
    lanes: Lanes = context.state["lanes"]
    await lanes.start_due()


JOBS = (Job("webhooks", SEND_EVERY_S, send),)
