"""SQL of the fold's own state: its claim and watermark, and the deltas that wait."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import asyncpg

from services.rating.metering.domain.delta import Delta
from services.rating.metering.domain.tally import HOUR_US
from services.rating.metering.fold.domain.rolled_up import RolledUp
from services.rating.metering.fold.domain.share import Backlog, Share, Waiting
from services.rating.metering.repository.columns import numbers
from services.rating.metering.repository.readings import LAST_BATCHES
from shared.db.held_row import evicting
from shared.runtime.clock import from_us

_ROLLED_UP = "rolled_before, rolling_before, rolling_subject"
NEVER = -(2**40)
BATCHES_MAX = 500  # of a partition, that one look sees

#: Waiting deltas lie beyond the watermark: what was folded before is not walked.
_WAITING = f"""
    select last.partition, last.batch_id as last, d.batch_id, d.bytes
    from ({LAST_BATCHES}) last
    left join lateral (
        select batch_id, octet_length(body) as bytes from rating.usage_deltas d
        where d.partition = last.partition and d.batch_id > coalesce(($1::jsonb ->> last.partition::text)::bigint, 0)
        order by d.batch_id limit {BATCHES_MAX}) d on true
"""


@dataclass(frozen=True, slots=True)
class Claim:
    """The fold's state as its holder found it: the epoch before, and the holder's own, which is the revision of
    what it tells; `watermark`: partition (as text) → the last batch folded."""

    before: int
    epoch: int
    watermark: Mapping[str, int]
    rolled_up: RolledUp


@dataclass(frozen=True, slots=True)
class Newest:
    """When the newest event of some deltas happened, to the hour, and when the newest was received; None: they
    have none."""

    hour: datetime | None
    received_at: datetime | None

    @staticmethod
    def of(deltas: Sequence[Delta]) -> "Newest":
        hour = max((max(delta.touched.hours, default=NEVER) for delta in deltas), default=NEVER)
        received_us = max((delta.received_us for delta in deltas), default=0)
        return Newest(
            from_us(hour * HOUR_US) if hour > NEVER else None, from_us(received_us) if received_us else None
        )


@dataclass(frozen=True, slots=True)
class Progress:
    """Whether a batch waits to be folded or a subject to be told again, the epoch, and how many seconds ago
    something was folded."""

    waits: bool
    epoch: int
    folded_s: float


@dataclass(frozen=True, slots=True)
class Days:
    """Which days are rolled up, and the latest hour of which an event is folded (None: none is)."""

    rolled_up: RolledUp
    newest: datetime | None


class FoldRepository:
    def __init__(self, connection: asyncpg.Connection) -> None:
        self._connection = connection

    async def claim(self) -> Claim:
        """Raise the epoch: whoever does holds the packed rows until the transaction ends."""
        row = await self._connection.fetchrow(
            f"""update rating.fold_state
               set epoch = greatest(epoch + 1, (extract(epoch from clock_timestamp()) * 1000000)::bigint)
               returning old.epoch as before, new.epoch, watermark, {_ROLLED_UP}"""
        )
        assert row is not None
        return Claim(row["before"], row["epoch"], row["watermark"], _rolled_up(row))

    async def claim_from_stopped(self, pool: asyncpg.Pool) -> Claim:
        """The same, and end the session of a holder that stands still."""
        return await evicting(pool, self._connection, self.claim(), at_work=False)

    async def backlog(self, claim: Claim) -> Backlog:
        """What waits, and the last batch of each partition, of one snapshot: a batch that commits meanwhile is in
        neither, and stays beyond the watermark."""
        rows = await self._connection.fetch(_WAITING, claim.watermark)
        waiting = [
            Waiting(row["partition"], row["batch_id"], row["bytes"])
            for row in rows
            if row["batch_id"] is not None
        ]
        seen: dict[int, int] = {}
        for delta in waiting:
            seen[delta.partition] = seen.get(delta.partition, 0) + 1
        return Backlog(
            waiting,
            {row["partition"]: row["last"] for row in rows},
            frozenset(partition for partition, count in seen.items() if count == BATCHES_MAX),
        )

    async def bodies(self, chosen: Sequence[Waiting]) -> list[bytes]:
        """The deltas, in the order given."""
        rows = await self._connection.fetch(
            f"select d.body from {_CHOSEN} join rating.usage_deltas d using (partition, batch_id) order by c.n",
            *_columns(chosen),
        )
        return [row["body"] for row in rows]

    async def finish(self, share: Share, newest: Newest) -> None:
        """Delete what is folded, and move the watermark past it."""
        await self._connection.execute(
            f"delete from rating.usage_deltas d using {_CHOSEN} where (d.partition, d.batch_id) = (c.partition, c.batch_id)",
            *_columns(share.chosen),
        )
        await self._connection.execute(
            """update rating.fold_state set watermark = $1, newest_hour = greatest(newest_hour, $2),
                received_at = greatest(received_at, $3), folded_at = clock_timestamp()""",
            share.watermark,
            newest.hour,
            newest.received_at,
        )

    async def put_delta(self, partition: int, batch_id: int, body: bytes) -> None:
        """Leave what a batch changes."""
        await self._connection.execute(
            "insert into rating.usage_deltas (partition, batch_id, body) values ($1, $2, $3)",
            partition,
            batch_id,
            body,
        )

    async def mark(self, touched: Collection[tuple[int, int]]) -> None:
        """Say that the usage of these (subject number, UTC day since the epoch) changed: for pricing."""
        await self._connection.execute(
            """insert into rating.marks (subject, day)
               select s.subject, date '1970-01-01' + t.day
               from unnest(string_to_array($1, ',')::bigint[], string_to_array($2, ',')::int[])
                   t (subject_no, day)
               join rating.usage_subjects s using (subject_no)""",
            numbers(subject for subject, _ in touched),
            numbers(day for _, day in touched),
        )


class FoldProgress:
    """For who looks, and holds nothing."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    async def look(self) -> Progress:
        """One question, so that looking costs next to nothing."""
        row = await self._pool.fetchrow(
            f"""select epoch, extract(epoch from clock_timestamp() - folded_at)::float8 as folded_s,
                exists (select from rating.activity_due) or exists (select from ({LAST_BATCHES}) last
                    where last.batch_id > coalesce((f.watermark ->> last.partition::text)::bigint, 0)) as waits
                from rating.fold_state f"""
        )
        assert row is not None
        return Progress(row["waits"], row["epoch"], row["folded_s"])

    async def days(self) -> Days:
        row = await self._pool.fetchrow(f"select newest_hour, {_ROLLED_UP} from rating.fold_state")
        assert row is not None
        return Days(_rolled_up(row), row["newest_hour"])

    async def waited_s(self) -> float:
        """For how many seconds the oldest batch that is not folded has waited; 0 without any."""
        found: float = await self._pool.fetchval(
            """select coalesce(extract(epoch from clock_timestamp() - min(b.at))::float8, 0)
               from rating.usage_deltas d join bus.batches b using (batch_id)"""
        )
        return found

    async def passed(self, batches: Mapping[int, int]) -> bool:
        """Whether these batches (partition → batch id) are folded."""
        found: bool = await self._pool.fetchval(
            """select not exists (select from rating.fold_state f, unnest($1::int[], $2::bigint[]) b (partition, batch_id)
                where b.batch_id > coalesce((f.watermark ->> b.partition::text)::bigint, 0))""",
            list(batches.keys()),
            list(batches.values()),
        )
        return found


def _rolled_up(row: asyncpg.Record) -> RolledUp:
    return RolledUp(row["rolled_before"], row["rolling_before"], row["rolling_subject"])


_CHOSEN = "unnest($1::int[], $2::bigint[]) with ordinality c (partition, batch_id, n)"


def _columns(chosen: Sequence[Waiting]) -> tuple[list[int], list[int]]:
    return [delta.partition for delta in chosen], [delta.batch_id for delta in chosen]
