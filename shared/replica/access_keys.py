"""How a service hears of API keys: by a consumer of its own, so that nothing that stops its business consumer
ever stops a revocation."""

import asyncio
from typing import TypeVar

from shared.bus import Bus, BusUnavailable
from shared.bus.waiting import has_heard
from shared.db.unit_of_work import UnitOfWork
from shared.runtime.clock import from_us
from shared.runtime.consumer import Batch, BatchCounts, Consumer, ConsumerContext, Subscribe
from shared.topics.graph import Hearing
from shared.topics.usage_ingest import ACCESS_KEYS, AccessKeyMessage

C = TypeVar("C", bound=ConsumerContext)
#: Of the bus: a table that is read late is a revocation that comes late.
ANSWER_WITHIN_S = 5.0


def key_consumer(context: C, service: str) -> Consumer[C] | None:
    """The consumer of access.keys of this process; None for the service that issues the keys, whose own table
    is what others hear of."""
    if service not in ACCESS_KEYS.consumers:
        return None
    return Consumer(context, ACCESS_KEYS.group_of(service), [Subscribe(ACCESS_KEYS, hear_keys)])


async def heard_all(bus: Bus, consumer: Consumer[C] | None) -> bool:
    """Whether the table of keys held all that access.keys held when this was asked. A consumer that has
    stopped, or waits, confirms nothing."""
    if consumer is None:
        return True
    if consumer.stopped_reason is not None:
        return False
    try:
        async with asyncio.timeout(ANSWER_WITHIN_S):
            heads = await bus.heads(ACCESS_KEYS.name)
            return await has_heard(bus, Hearing(ACCESS_KEYS.name, consumer.group), heads)
    except (BusUnavailable, TimeoutError):
        return False


async def hear_keys(
    batch: Batch[AccessKeyMessage], uow: UnitOfWork, _context: ConsumerContext
) -> BatchCounts:
    """Keep the newest revision of each key."""
    applied = 0
    for message in batch.messages:
        applied += await store_key(uow, message)
    return BatchCounts(new=applied, duplicate=len(batch.messages) - applied)


async def store_key(uow: UnitOfWork, message: AccessKeyMessage) -> bool:
    """Insert or replace a key; False when a newer revision is already here."""
    return bool(
        await uow.connection.fetchval(
            f"""insert into {uow.schema}.access_keys (key_id, revision, hash, name, scopes, expires_at,
                revoked, sources, seats)
            values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
            on conflict (key_id) do update set revision = excluded.revision, hash = excluded.hash,
                name = excluded.name,
                scopes = excluded.scopes, expires_at = excluded.expires_at, revoked = excluded.revoked,
                    sources = excluded.sources, seats = excluded.seats
            where access_keys.revision < excluded.revision
            returning true""",
            message.key_id,
            message.revision,
            message.hash,
            message.name,
            list(message.scopes),
            from_us(message.expires_us) if message.expires_us is not None else None,
            message.revoked,
            list(message.sources),
            list(message.seats),
        )
    )
