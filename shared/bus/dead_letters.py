"""Dead letters: set aside, looked at, and published again once what was wrong has been mended.

A replay is a new record with the old key, value and headers at the end of its topic. Every group hears it, as it may hear any record
twice: facts have ids and snapshots revisions. What was set aside stays, for K1, and says when it was replayed.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import asyncpg

from shared.bus import Bus, Polled, Record

DEAD = """insert into bus.dead_letters (grp, topic, partition, offset_, key, value, headers, error, batch_id)
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9)"""
ERROR_CHARS_MAX = 2000
ROUND_MAX = 500                                                # letters published, then noted: what dies between is published again

_SELECT = """select grp, topic, partition, offset_, at, error, replayed_at, key, value, headers from bus.dead_letters
    where ($1::text is null or grp = $1) and ($2::text is null or topic = $2) and ($3 or replayed_at is null)
    order by topic, partition, offset_, grp"""


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A record one group could not take: where it lies, when and why it was set aside, and the record itself."""

    group: str
    topic: str
    partition: int
    offset: int
    at: datetime                                               # machine clock
    error: str
    replayed_at: datetime | None
    record: Record

    @property
    def place(self) -> tuple[str, int, int]:
        return self.topic, self.partition, self.offset


async def insert_dead_letters(connection: Any, group: str, run: Polled, batch_id: int, errors: Mapping[int, str]) -> None:
    """Set poison aside, whole, in the transaction that moves the position past it: index of the record in its run → what is wrong with it."""
    for index, error in errors.items():
        record = run.records[index]
        headers = {name: value.decode("latin-1").replace("\0", "") for name, value in record.headers}
        await connection.execute(
            DEAD, group, run.topic, run.partition, run.offsets[index], record.key, record.value, headers,
            error.replace("\0", "")[:ERROR_CHARS_MAX], batch_id,
        )


async def dead_letters(
    connection: "asyncpg.Connection | asyncpg.Pool", group: str | None = None, topic: str | None = None, *, replayed: bool = False,
) -> list[DeadLetter]:
    """In the order of their topics: those never replayed, or all of them."""
    return [
        DeadLetter(row["grp"], row["topic"], row["partition"], row["offset_"], row["at"], row["error"], row["replayed_at"],
                   Record(row["key"], row["value"], tuple((name, text.encode("latin-1")) for name, text in row["headers"].items())))
        for row in await connection.fetch(_SELECT, group, topic, replayed)
    ]


async def replay(connection: "asyncpg.Connection | asyncpg.Pool", bus: Bus, letters: Sequence[DeadLetter]) -> int:
    """Publish each of these records once more, one that several groups set aside only once; return how many. Raises BusUnavailable."""
    records = {letter.place: letter.record for letter in letters}
    for start in range(0, len(records), ROUND_MAX):
        places = list(records)[start:start + ROUND_MAX]
        for topic in sorted({place[0] for place in places}):
            await bus.publish(topic, [records[place] for place in places if place[0] == topic])
        await connection.execute(
            """update bus.dead_letters d set replayed_at = clock_timestamp()
               from unnest($1::text[], $2::smallint[], $3::bigint[]) p (topic, partition, offset_)
               where d.topic = p.topic and d.partition = p.partition and d.offset_ = p.offset_""",
            [topic for topic, _, _ in places], [partition for _, partition, _ in places], [offset for _, _, offset in places])
    return len(records)
