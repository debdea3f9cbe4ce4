"""Batches built by hand: what ingest would have put on usage.events, handed to the handler in a transaction
like the runner's."""

import asyncio
import hashlib
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count
from types import SimpleNamespace
from typing import Any

import msgspec

from services.rating.metering.fold.usecases.fold import fold_share
from services.rating.metering.fold.usecases.roll_up import roll_up
from services.rating.metering.memory import MeteringMemory
from services.rating.metering.usecases.meter_batch import meter_batch
from shared.db.unit_of_work import Database
from shared.runtime.clock import from_us, to_us
from shared.runtime.consumer import Batch, BatchCounts
from shared.topics.usage_ingest import UsageMessage

NOW = datetime(2026, 3, 10, 12, tzinfo=UTC)


def event(
    id: str,
    subject: str = "acme",
    time: datetime = NOW,
    data: dict[str, Any] | None = None,
    *,
    type: str = "api.call",
    source: str = "app",
    received: datetime = NOW,
) -> UsageMessage:
    """An accepted event."""
    body = msgspec.json.encode(data or {}, order="deterministic")
    digest = hashlib.sha256(
        b"\0".join([type.encode(), subject.encode(), str(to_us(time)).encode(), body])
    ).hexdigest()[:32]
    return UsageMessage(
        source=source,
        id=id,
        received_us=to_us(received),
        type=type,
        subject=subject,
        time_us=to_us(time),
        data=msgspec.Raw(body),
        body_hash=digest,
    )


def void(id: str, *, source: str = "app", received: datetime = NOW) -> UsageMessage:
    """A void of an event."""
    return UsageMessage(source=source, id=id, received_us=to_us(received), kind="void")


@dataclass
class Metering:
    """Hands batches to the handler, each in one transaction with its position and batch row."""

    db: Database
    now: datetime = NOW
    groups_max: int = 1000
    positions: dict[int, int] = field(default_factory=dict)
    batch_ids: Any = field(default_factory=lambda: count(1))  # None: those of the bus's own sequence

    def __post_init__(self) -> None:
        self.context: Any = SimpleNamespace(
            state=SimpleNamespace(metering=MeteringMemory(self.groups_max)),
            db=self.db,
            clock=SimpleNamespace(now=lambda: self.now),
        )

    async def take(self, *messages: UsageMessage, partition: int = 0) -> BatchCounts:
        """Meter one batch, and fold it."""
        counts = await self.store(*messages, partition=partition)
        await self.fold()
        return counts

    async def fold(self) -> None:
        """Fold everything that waits."""
        while await fold_share(self.db, self.context.state.metering.fold, self.now):
            pass

    async def roll_up(self) -> bool:
        """Roll up some of the days that are over; False when none is."""
        return await roll_up(self.db, self.context.state.metering.fold, self.now)

    async def store(
        self,
        *messages: UsageMessage,
        partition: int = 0,
        before_commit: tuple[asyncio.Event, asyncio.Event] | None = None,
    ) -> BatchCounts:
        """Meter one batch, and leave it to be folded. `before_commit`: called, and waited for."""
        async with self.db.transaction() as uow:
            start = self.positions.get(partition, 0)
            end = start + len(messages)
            batch_id = (
                next(self.batch_ids)
                if self.batch_ids
                else await uow.connection.fetchval("select nextval('bus.batch_id')")
            )
            await uow.connection.execute(
                """insert into bus.positions (grp, topic, partition, position) values
                    ('rating', 'usage.events', $1, $2)
                   on conflict (grp, topic, partition) do update set position = excluded.position""",
                partition,
                end,
            )
            size = len(messages)
            batch = Batch(
                "usage.events",
                partition,
                start,
                end,
                batch_id,
                list(messages),
                range(start, end),
                [()] * size,
                [b""] * size,
            )
            counts = await meter_batch(batch, uow, self.context)
            assert counts.total == len(messages)
            await uow.connection.execute(
                """insert into bus.batches (batch_id, grp, topic, partition, from_offset, to_offset, new,
                    duplicate, conflict, void, quarantined,
                       dead, compacted)
                   values ($1, 'rating', 'usage.events', $2, $3, $4, $5, $6, $7, $8, $9, 0, 0)""",
                batch_id,
                partition,
                start,
                end,
                counts.new,
                counts.duplicate,
                counts.conflict,
                counts.void,
                counts.quarantined,
            )
            if before_commit:
                before_commit[0].set()
                await before_commit[1].wait()
        self.positions[partition] = end
        return counts


__all__ = ["NOW", "Metering", "event", "from_us", "void"]
