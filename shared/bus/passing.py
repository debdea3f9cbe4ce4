"""For a book that was restored to an earlier time: groups pass what its services told since of their state,
because that no longer holds."""

from collections.abc import Mapping

import asyncpg

from shared.bus import Polled, positions
from shared.bus.batch_rows import OUTCOMES, insert_batch_row
from shared.topics import ALL, TopicKind

LOCK = "select position from bus.positions where grp = $1 and topic = $2 and partition = $3 for update"
MOVE = """update bus.positions set position = $4, last_hash = null, moved_at = clock_timestamp()
    where grp = $1 and topic = $2 and partition = $3
    returning nextval('bus.batch_id')"""
SNAPSHOTS = [topic for topic in ALL.values() if topic.kind is TopicKind.SNAPSHOT]


async def pass_snapshots(connection: asyncpg.Connection, heads: Mapping[str, Mapping[int, int]]) -> None:
    """Move every group past the snapshots that lie on the bus, up to `heads` (topic → partition → offset).

    A producer that is back where it was says other things now than it said since: a statement that was final
    is open again, a contract that was made is not there. Whoever heard the old ones would keep them, because
    a final one is never replaced. The batch rows count them as compacted: no record that says anything.
    Producers must tell all their snapshots once more (`shared/runtime/retelling.py`).
    """
    for topic in SNAPSHOTS:
        for group in topic.groups:
            for partition, head in heads[topic.name].items():
                await _pass(connection, group, topic.name, partition, head)


async def _pass(connection: asyncpg.Connection, group: str, topic: str, partition: int, head: int) -> None:
    await connection.execute(positions.ENSURE, group, topic, partition)
    start: int = await connection.fetchval(LOCK, group, topic, partition)
    if start >= head:
        return
    batch_id = await connection.fetchval(MOVE, group, topic, partition, head)
    counts = tuple(head - start if outcome == "compacted" else 0 for outcome in OUTCOMES)
    await insert_batch_row(connection, batch_id, group, Polled(topic, partition, start, head, [], []), counts)
