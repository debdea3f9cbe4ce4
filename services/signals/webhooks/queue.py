"""Verb: queue facts for the endpoints that asked for their type, in the transaction that stores them."""

from collections.abc import Sequence
from datetime import datetime

from services.signals.facts.repository import StoredFact
from shared.db import UnitOfWork
from shared.ids import new_id

QUEUE = """
insert into signals.deliveries (delivery_id, endpoint_id, signal_id, customer, sequence, state, attempts, due_at, created_at)
select delivery_id, endpoint_id, signal_id, customer, sequence, 'pending', 0, $6, $6
from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::bigint[]) as d (delivery_id, endpoint_id, signal_id, customer, sequence)
on conflict (endpoint_id, signal_id) do update
    set state = 'pending', attempts = 0, due_at = excluded.due_at, created_at = excluded.created_at, delivered_at = null
"""


async def queue_deliveries(uow: UnitOfWork, facts: Sequence[StoredFact], now: datetime) -> int:
    """Queue each fact for each enabled endpoint that asked for its type; a disabled one gets it by a replay. Returns how many."""
    endpoints = await uow.connection.fetch("select endpoint_id, events from signals.endpoints where state = 'enabled' order by 1") if facts else []
    wanted = [(row["endpoint_id"], fact) for row in endpoints for fact in facts if "*" in row["events"] or fact.type in row["events"]]
    await queue_for(uow, wanted, now)
    return len(wanted)


async def queue_for(uow: UnitOfWork, wanted: Sequence[tuple[str, StoredFact]], now: datetime) -> None:
    """Queue these facts for these endpoints, as new ones. The id of the webhook is the fact's, however often it is sent."""
    if not wanted:
        return
    await uow.connection.execute(
        QUEUE, [new_id("dlv") for _ in wanted], [endpoint for endpoint, _ in wanted], [fact.signal_id for _, fact in wanted],
        [fact.customer for _, fact in wanted], [fact.sequence for _, fact in wanted], now)
