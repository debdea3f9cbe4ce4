"""What the runner writes beside the effects: the batch row (K1)."""

from typing import Any

from shared.bus import Polled

#: What can become of an offset, in the order of the columns of `bus.batches`: their sum is the length of the batch.
OUTCOMES = ("new", "duplicate", "conflict", "void", "quarantined", "dead", "compacted")

BATCH = f"""insert into bus.batches (batch_id, grp, topic, partition, from_offset, to_offset, {", ".join(OUTCOMES)})
    values ($1, $2, $3, $4, $5, $6, {", ".join(f"${n}" for n in range(7, 7 + len(OUTCOMES)))})"""


async def insert_batch_row(connection: Any, batch_id: int, group: str, run: Polled, outcome: tuple[int, ...]) -> None:
    """Account for every offset of the run: a count for each of OUTCOMES, in their order."""
    await connection.execute(BATCH, batch_id, group, run.topic, run.partition, run.start, run.end, *outcome)
