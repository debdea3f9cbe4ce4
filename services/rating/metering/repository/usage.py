"""SQL of stored usage: keys, events, voids, conflicts, and the fence against a changing catalogue. A few
statements a batch, none an event."""

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import asyncpg

from services.rating.metering.repository.columns import EVENT_COLUMNS, numbers
from shared.runtime.clock import from_us
from shared.topics.usage_ingest import UsageMessage

#: Metering holds it shared for a transaction; a meter is created or changed under the exclusive one.
FENCE = 0x7532632E6D657465


@dataclass(frozen=True, slots=True)
class StoredEvent:
    """An event as stored, with what measuring needs."""

    key: bytes
    partition: int
    batch_id: int
    seq: int
    type: str
    subject: str
    time_us: int
    data: bytes


@dataclass(frozen=True, slots=True)
class FirstSeen:
    """Where an event of this key was first seen, and its body."""

    body_hash: bytes
    batch_id: int
    seq: int


class MeteringRepository:
    def __init__(self, connection: asyncpg.Connection) -> None:
        self._connection = connection

    async def enter_fence(self) -> int:
        """Keep the catalogue from changing until the transaction ends; return its revision."""
        await self._connection.execute("select pg_advisory_xact_lock_shared($1)", FENCE)
        revision: int = await self._connection.fetchval("select revision from rating.catalogue_state")
        return revision

    async def note_time(self, partition: int, batch_id: int, at: datetime) -> None:
        """Note when a batch was metered, by the business clock: what of it came too late is decided by that."""
        await self._connection.execute(
            "insert into rating.batch_times (partition, at, batch_id) values ($1, $2, $3)",
            partition,
            at,
            batch_id,
        )

    async def insert_voids(
        self, batch_id: int, partition: int, voids: dict[bytes, UsageMessage]
    ) -> set[bytes]:
        """Put voids in force; return the keys that were not void before."""
        keys = sorted(voids)
        rows = await self._connection.fetch(
            """insert into rating.voids (key, source, id, batch_id, partition, received_at)
               select key, source, id, $1, $2, received_at
               from unnest($3::bytea[], $4::text[], $5::text[], $6::timestamptz[]) v
                   (key, source, id, received_at)
               on conflict do nothing returning key""",
            batch_id,
            partition,
            keys,
            [voids[key].source for key in keys],
            [voids[key].id for key in keys],
            [from_us(voids[key].received_us) for key in keys],
        )
        return {row["key"] for row in rows}

    async def claim_keys(
        self, batch_id: int, keys: bytes, hashes: bytes, seqs: Sequence[int]
    ) -> tuple[list[int], list[int]]:
        """Claim keys (16 bytes each, as the hashes, in the order of `seqs`); return the seqs that are new,
        and those of them a void waits for.

        A key that comes twice is claimed by its first seq.
        """
        row = await self._connection.fetchrow(
            """with claimed as (
                   insert into rating.event_keys as k (key, body_hash, batch_id, seq)
                   select substr($2::bytea, 16 * (n - 1)::int + 1, 16),
                       substr($3::bytea, 16 * (n - 1)::int + 1, 16), $1, seq
                   from unnest(string_to_array($4, ',')::int[]) with ordinality s (seq, n) order by 1, 4
                   on conflict do nothing
                   returning seq, exists (select from rating.voids v
                       where v.key = k.key and v.event_batch_id is null) as waited)
               select coalesce(array_agg(seq order by seq), '{}') as fresh,
                   coalesce(array_agg(seq) filter (where waited), '{}') as waited
               from claimed""",
            batch_id,
            keys,
            hashes,
            numbers(seqs),
        )
        assert row is not None
        return row["fresh"], row["waited"]

    async def first_seen(self, keys: Iterable[bytes]) -> dict[bytes, FirstSeen]:
        rows = await self._connection.fetch(
            "select key, body_hash, batch_id, seq from rating.event_keys where key = any($1::bytea[])",
            list(keys),
        )
        return {row["key"]: FirstSeen(row["body_hash"], row["batch_id"], row["seq"]) for row in rows}

    async def link_voids(self, events: dict[bytes, tuple[int, int]]) -> None:
        """Say which event (batch id, seq) each void meets."""
        keys = sorted(events)
        await self._connection.execute(
            """update rating.voids v set event_batch_id = e.batch_id, event_seq = e.seq
               from unnest($1::bytea[], $2::bigint[], $3::int[]) e (key, batch_id, seq)
                   where v.key = e.key""",
            keys,
            [events[key][0] for key in keys],
            [events[key][1] for key in keys],
        )

    async def copy_events(self, payload: bytes) -> None:
        """Store new events, given as `event_rows` writes them."""
        await self._connection.copy_to_table(
            "events", schema_name="rating", columns=EVENT_COLUMNS, source=_once(payload), format="binary"
        )

    async def stored_events(self, places: Iterable[tuple[int, int]]) -> list[StoredEvent]:
        """Return the events at these (batch id, seq)."""
        wanted = list(places)
        rows = await self._connection.fetch(
            """select e.key, e.partition, e.batch_id, e.seq, e.type, e.subject, e.time, e.data::text as body
               from unnest($1::bigint[], $2::int[]) p (batch_id, seq)
                   join rating.events e on e.batch_id = p.batch_id and e.seq = p.seq""",
            [batch_id for batch_id, _ in wanted],
            [seq for _, seq in wanted],
        )
        return [stored_event(row) for row in rows]

    async def insert_duplicates(
        self, batch_id: int, duplicates: Sequence[tuple[int, bytes, datetime]]
    ) -> None:
        await self._connection.execute(
            "insert into rating.duplicates (batch_id, seq, key, received_at) select $1, * from unnest($2::int[], $3::bytea[], $4::timestamptz[])",
            batch_id,
            [seq for seq, _, _ in duplicates],
            [key for _, key, _ in duplicates],
            [at for _, _, at in duplicates],
        )

    async def insert_conflicts(
        self, batch_id: int, conflicts: Sequence[tuple[int, bytes, bytes, UsageMessage]]
    ) -> None:
        """Keep refused bodies: (seq, key, body hash of the first, message)."""
        await self._connection.executemany(
            """insert into rating.conflicts (batch_id, seq, key, source, id, first_body_hash, body,
                received_at)
               values ($1, $2, $3, $4, $5, $6, $7, $8)""",
            [
                (
                    batch_id,
                    seq,
                    key,
                    message.source,
                    message.id,
                    first,
                    _body(message),
                    from_us(message.received_us),
                )
                for seq, key, first, message in conflicts
            ],
        )

    async def noted_types(self, types: Iterable[str]) -> set[str]:
        rows = await self._connection.fetch(
            "select type from rating.event_types where type = any($1::text[])", list(types)
        )
        return {row["type"] for row in rows}

    async def note_types(self, types: Iterable[str]) -> None:
        await self._connection.execute(
            "insert into rating.event_types select unnest($1::text[]) on conflict do nothing", sorted(types)
        )


async def _once(payload: bytes) -> AsyncIterator[bytes]:
    yield payload


def stored_event(row: Mapping[str, Any] | asyncpg.Record) -> StoredEvent:
    """The event of a row with key, partition, batch_id, seq, type, subject, time and its data as text in
    `body`."""
    since = row["time"] - _EPOCH
    time_us = (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds
    return StoredEvent(
        row["key"],
        row["partition"],
        row["batch_id"],
        row["seq"],
        row["type"],
        row["subject"],
        time_us,
        row["body"].encode(),
    )


def _body(message: UsageMessage) -> dict[str, Any]:
    return {
        "type": message.type,
        "subject": message.subject,
        "time_us": message.time_us,
        "data": message.data,
        "body_hash": message.body_hash,
    }


_EPOCH = from_us(0)
