"""What the runner writes beside the effects: the batch row (K1) and the dead letters."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from shared.bus import Polled

BATCH = """insert into bus.batches (batch_id, grp, topic, partition, from_offset, to_offset, new, duplicate, conflict, void, dead, compacted)
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)"""
DEAD = """insert into bus.dead_letters (grp, topic, partition, offset_, key, value, headers, error, batch_id)
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9)"""
ERROR_CHARS_MAX = 2000


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """The record at `index` of a run, and why it is poison."""

    index: int
    error: str


async def insert_batch_row(connection: Any, batch_id: int, group: str, run: Polled, outcome: tuple[int, ...]) -> None:
    """Account for every offset of the run: (new, duplicate, conflict, void, dead, compacted)."""
    await connection.execute(BATCH, batch_id, group, run.topic, run.partition, run.start, run.end, *outcome)


async def insert_dead_letters(connection: Any, group: str, run: Polled, batch_id: int, letters: Sequence[DeadLetter]) -> None:
    """Set the poison records aside, whole, in the transaction that moves the position past them."""
    for letter in letters:
        record = run.records[letter.index]
        headers = {name: value.decode("latin-1").replace("\0", "") for name, value in record.headers}
        await connection.execute(
            DEAD, group, run.topic, run.partition, run.offsets[letter.index], record.key, record.value, headers,
            letter.error.replace("\0", "")[:ERROR_CHARS_MAX], batch_id,
        )
