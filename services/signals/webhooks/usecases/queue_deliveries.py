"""Queue facts for the endpoints that asked for their type, in the transaction that stores them."""

from collections.abc import Sequence
from datetime import datetime

from services.signals.facts.rows import StoredFact
from services.signals.webhooks.repository.webhooks import WebhookRepository
from shared.db.unit_of_work import UnitOfWork
from shared.values.ids import new_id


async def queue_deliveries(uow: UnitOfWork, facts: Sequence[StoredFact], now: datetime) -> int:
    """Queue each fact for each enabled endpoint that asked for its type; a disabled one gets it by a replay.
    Returns how many."""
    endpoints = await WebhookRepository(uow.connection).enabled_endpoints() if facts else []
    wanted = [
        (row.endpoint_id, fact)
        for row in endpoints
        for fact in facts
        if "*" in row.events or fact.type in row.events
    ]
    await queue_for(uow, wanted, now)
    return len(wanted)


async def queue_for(uow: UnitOfWork, wanted: Sequence[tuple[str, StoredFact]], now: datetime) -> None:
    """Queue these facts for these endpoints, as new ones. The id of the webhook is the fact's, however often
    it is sent."""
    if wanted:
        await WebhookRepository(uow.connection).queue(
            [
                (new_id("dlv"), endpoint, fact.signal_id, fact.customer, fact.sequence)
                for endpoint, fact in wanted
            ],
            now,
        )
