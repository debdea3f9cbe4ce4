"""Until when activity is known: an evaluation waits until what had arrived by then is metered, told and
heard.

A clock that was moved stands ahead of the events that follow it, so a moment passes first. Then: the door has
published what lay on usage.raw, rating has metered what lay on usage.events and has put what that came to on
the bus, and signals has heard it.
"""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime

from services.signals.context import SignalsContext
from services.signals.evaluation.clients import have_activity_told
from shared.topics.rating import ACTIVITY, CONTRACTS, CUSTOMERS, STATEMENTS
from shared.topics.usage_ingest import USAGE_EVENTS, USAGE_RAW

POLL_S = 0.02
HEARD = (CUSTOMERS.name, CONTRACTS.name, STATEMENTS.name, ACTIVITY.name)


async def settled(context: SignalsContext) -> datetime:
    """Return a business time by which all activity that had arrived is heard. Waits for services that are
    away."""
    now = context.clock.now()
    if context.clock.moved_to is not None:
        await asyncio.sleep(context.settings.settle_s)
    for topic, group in ((USAGE_RAW.name, "usage_ingest"), (USAGE_EVENTS.name, "rating")):
        await _passed(context, (topic,), group)
    await have_activity_told(context)
    await _passed(context, HEARD, context.name)
    return now


async def _passed(context: SignalsContext, topics: Sequence[str], group: str) -> None:
    for topic in topics:
        heads = await context.bus.heads(topic)
        while not _beyond(await context.bus.positions(group, topic), heads):
            await asyncio.sleep(POLL_S)


def _beyond(positions: Mapping[int, int], heads: Mapping[int, int]) -> bool:
    return all(positions.get(partition, 0) >= head for partition, head in heads.items())
