"""Until when activity is known: an evaluation waits until what had arrived by then is metered, told and
heard, and priced for whom it evaluates.

A clock that was moved stands ahead of the events that follow it, so a moment passes first. Then all that usage
passes on its way to rating has passed, rating has put what that came to on the bus, and signals has heard it.
"""

import asyncio
from collections.abc import Sequence
from datetime import datetime

from services.signals.context import SignalsContext
from services.signals.evaluation.clients import have_activity_told, have_statements_told
from shared.bus.waiting import until_heard
from shared.topics.graph import GRAPH
from shared.topics.rating import ACTIVITY

POLL_S = 0.02
METERED = GRAPH.way_to(ACTIVITY.producer)
TOLD = GRAPH.said(by=ACTIVITY.producer, to="signals")


async def settled(context: SignalsContext, customer_ids: Sequence[str]) -> datetime:
    """Return a business time by which all activity that had arrived is heard, and what it came to in the
    statements of these customers. Waits for services that are away."""
    now = context.clock.now()
    if context.clock.moved_to is not None:
        await asyncio.sleep(context.settings.settle_s)
    await until_heard(context.bus, METERED, _pause)
    await have_activity_told(context)
    await have_statements_told(context, customer_ids)
    await until_heard(context.bus, TOLD, _pause)
    return now


async def _pause() -> None:
    await asyncio.sleep(POLL_S)
