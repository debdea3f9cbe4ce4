"""What the runner writes beside the effects: the batch row (K1)."""

from typing import Any

from shared.bus import Polled

BATCH = """insert into bus.batches (batch_id, grp, topic, partition, from_offset, to_offset, new, duplicate, conflict, void, dead, compacted)
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)"""


async def insert_batch_row(connection: Any, batch_id: int, group: str, run: Polled, outcome: tuple[int, ...]) -> None:
    """Account for every offset of the run: (new, duplicate, conflict, void, dead, compacted)."""
    await connection.execute(BATCH, batch_id, group, run.topic, run.partition, run.start, run.end, *outcome)
