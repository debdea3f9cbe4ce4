"""The positions of consumer groups: rows in Postgres that move, by compare-and-set, in the transaction of the
effect."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

import asyncpg

from shared.bus import Polled, Record
from shared.bus.faults import LogReplaced, RecordsLost
from shared.bus.framing import record_hash
from shared.db.held_row import evicting

ENSURE = "insert into bus.positions (grp, topic, partition) values ($1, $2, $3) on conflict do nothing"
LOAD = "select position, last_hash from bus.positions where grp = $1 and topic = $2 and partition = $3"
ALL_OF_TOPIC = "select partition, position from bus.positions where grp = $1 and topic = $2"
# The compare-and-set: it comes first in every consumer transaction, so a zombie's effects can never be
# committed.
MOVE = """update bus.positions set position = $5, last_hash = coalesce($6, last_hash),
    moved_at = clock_timestamp()
    where grp = $1 and topic = $2 and partition = $3 and position = $4 returning nextval('bus.batch_id')"""


@dataclass(frozen=True, slots=True)
class Position:
    """The next offset a group will process in one partition, and the hash of the record before it (None:
    nothing consumed yet)."""

    offset: int
    last_hash: bytes | None


async def load(pool: asyncpg.Pool, group: str, topic: str, partition: int) -> Position:
    """The committed position; a partition never seen starts at 0."""
    row = await pool.fetchrow(LOAD, group, topic, partition)
    if row is None:
        await pool.execute(ENSURE, group, topic, partition)
        row = await pool.fetchrow(LOAD, group, topic, partition)
    assert row is not None
    return Position(row["position"], row["last_hash"])


async def of_topic(pool: asyncpg.Pool, group: str, topic: str, partitions: int) -> Mapping[int, int]:
    """Partition → committed position, 0 where the group never began."""
    found = {row["partition"]: row["position"] for row in await pool.fetch(ALL_OF_TOPIC, group, topic)}
    return {partition: found.get(partition, 0) for partition in range(partitions)}


@dataclass(frozen=True, slots=True)
class Held:
    """What a log holds of a partition: offsets from `first` to before `head`, and the record before the
    group's position where it still is there. `lossy`: compaction may have removed records (snapshot topics),
    so an older start is no loss."""

    first: int
    head: int
    before: Record | None
    lossy: bool = False


def verify(group: str, topic: str, partition: int, position: Position, held: Held) -> None:
    """Check on assignment that the log still is the one the group consumed; LogReplaced or RecordsLost
    otherwise."""
    replaced = partial(LogReplaced, group, topic, partition)
    at, before = position.offset, held.before
    if at > held.head:
        raise replaced(f"the position is {at}, the log ends at {held.head}")
    if before is not None and position.last_hash is not None and record_hash(before) != position.last_hash:
        raise replaced(f"the record at offset {at - 1} is another one")
    if at < held.first and not held.lossy:
        raise RecordsLost(group, topic, partition, at, held.first)


async def move(pool: asyncpg.Pool, connection: asyncpg.Connection, group: str, run: Polled) -> int | None:
    """Move the position from the run's start to its end in the open transaction of `connection`; return the
    batch id.

    None: the position is not at the start, somebody else moved it. Who holds the row for long is evicted: two
    owners of a live partition do not exist.
    """
    last_hash = record_hash(run.records[-1]) if run.records else None
    moving = connection.fetchval(MOVE, group, run.topic, run.partition, run.start, run.end, last_hash)
    return await evicting(pool, connection, moving, at_work=True)
