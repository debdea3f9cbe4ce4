"""The SQL of the log in Postgres. A segment row holds a run of records, as a Kafka record batch does."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

import asyncpg

from shared.bus import Polled, Record, RecordsRefused
from shared.bus.framing import decode_run, encode_run
from shared.bus.partitioner import partition_of
from shared.topics.registry import MESSAGE_MAX_BYTES

SEGMENTS_MAX = 256  # of one partition in one read

# One statement, so that a publisher that stops can never hold a head: offsets are assigned under the row lock
# of the head, heads
# are locked in sorted order, and a segment becomes visible in the order of its offsets because the lock
# outlives the commit.
APPEND = """with new as (select * from unnest($1::text[], $2::smallint[], $3::int[], $4::bytea[]) as
    n(topic, partition, count, payload)),
    locked as (select h.topic, h.partition from bus.heads h join new using (topic, partition)
        order by h.topic, h.partition for update of h),
    moved as (update bus.heads h set head = h.head + new.count from locked join new using (topic, partition)
              where h.topic = locked.topic and h.partition = locked.partition
                  returning h.topic, h.partition, h.head)
    insert into bus.segments (topic, partition, base, count, payload)
    select topic, partition, moved.head - new.count, new.count, new.payload from moved
        join new using (topic, partition)"""
# From the segment that holds the position on; `before` are the records of the segments read before this one.
READ = """select w.topic, w.partition, s.base, s.payload
    from unnest($1::text[], $2::smallint[], $3::bigint[]) with ordinality w(topic, partition, position, n)
    cross join lateral (
        select few.base, few.count, few.payload, sum(few.count) over (order by few.base) - few.count as before
            from (
            select base, count, payload from bus.segments s
            where s.topic = w.topic and s.partition = w.partition and s.base >= coalesce(
                (select max(b.base) from bus.segments b
                    where b.topic = w.topic and b.partition = w.partition and b.base <= w.position),
                    w.position)
            order by base limit $5) few
        where few.base + few.count > w.position) s
    where s.before < $4 order by w.n, s.base"""
BOUNDS = """select h.partition, h.head,
        coalesce((select min(s.base) from bus.segments s
            where s.topic = h.topic and s.partition = h.partition), h.head) as first
    from bus.heads h where h.topic = $1"""
WRITTEN = """select s.appended_at from bus.segments s
    where s.topic = $1 and s.partition = $2 and s.base + s.count > $3 and s.base >= coalesce(
        (select max(b.base) from bus.segments b where b.topic = $1 and b.partition = $2 and b.base <= $3), $3)
    order by s.base limit 1"""
HEADS = "select partition, head from bus.heads where topic = $1"
# The last segment stays, so that a position can always be compared with the record before it.
TRIM = """delete from bus.segments s using bus.heads h
    where s.topic = $1 and h.topic = s.topic and h.partition = s.partition
        and s.appended_at < clock_timestamp() - make_interval(secs => $2)
      and s.base + s.count < h.head
      and s.base + s.count <= (select coalesce(min(p.position), h.head) from bus.positions p
                               where p.topic = s.topic and p.partition = s.partition
                                   and p.grp <> all($4::text[]))
      and not exists (select from unnest($3::text[]) reader where not exists (
          select from bus.positions p where p.grp = reader and p.topic = s.topic
              and p.partition = s.partition))"""

Place = tuple[str, int]  # topic, partition


class Fetcher(Protocol):
    """A pool, a connection or a membership's session."""

    async def fetch(self, sql: str, /, *arguments: object) -> list[Any]: ...


@dataclass(frozen=True, slots=True)
class Bounds:
    """The offsets a partition holds: `first` (inclusive) to `head` (exclusive)."""

    first: int
    head: int


async def append(
    connection: asyncpg.Connection, topics: Mapping[str, Sequence[Record]], partitions: Mapping[str, int]
) -> None:
    """Append the records of several topics in one statement, which commits by itself. Raises RecordsRefused
    for one that is too large."""
    runs: dict[Place, list[Record]] = {}
    for topic, records in topics.items():
        count = partitions[topic]
        for record in records:
            place = (topic, partition_of(record.key, count) if record.partition is None else record.partition)
            if place in runs:
                runs[place].append(record)
            else:
                runs[place] = [record]
    places = sorted(runs)
    payloads = [_payload(place, runs[place]) for place in places]
    done = await connection.execute(
        APPEND,
        [topic for topic, _ in places],
        [partition for _, partition in places],
        [len(runs[place]) for place in places],
        payloads,
    )
    assert done == f"INSERT 0 {len(places)}", f"{done}: a head row of {places} is missing"


def _payload(place: Place, run: list[Record]) -> bytes:
    payload = encode_run(run)
    if len(payload) > MESSAGE_MAX_BYTES:
        largest = max(len(encode_run([record])) for record in run)
        if largest > MESSAGE_MAX_BYTES:
            raise RecordsRefused(
                f"{place[0]} takes {MESSAGE_MAX_BYTES} bytes in one piece, and a record comes to {largest}"
            )
    return payload


async def read(
    source: Fetcher, wanted: Mapping[Place, int], records_max: int
) -> dict[Place, list[tuple[int, list[Record]]]]:
    """Place → [(base, records), …] from the wanted offsets on: whole segments, the first may begin before the
    offset."""
    rows = await source.fetch(
        READ,
        [topic for topic, _ in wanted],
        [partition for _, partition in wanted],
        list(wanted.values()),
        records_max,
        SEGMENTS_MAX,
    )
    found: dict[Place, list[tuple[int, list[Record]]]] = {}
    for topic, partition, base, payload in rows:
        found.setdefault((topic, partition), []).append((base, decode_run(payload)))
    return found


async def read_run(source: Fetcher, topic: str, partition: int, start: int, records_max: int) -> Polled:
    """At most so many records from `start` on, as one run."""
    segments = (await read(source, {(topic, partition): start}, records_max)).get((topic, partition), [])
    pairs = [
        (base + n, record)
        for base, records in segments
        for n, record in enumerate(records)
        if base + n >= start
    ][:records_max]
    end = pairs[-1][0] + 1 if pairs else start
    return Polled(
        topic, partition, start, end, [record for _, record in pairs], [offset for offset, _ in pairs]
    )


async def written_at(source: Fetcher, topic: str, partition: int, offset: int) -> datetime | None:
    """When the first record at or after `offset` was appended."""
    found = await source.fetch(WRITTEN, topic, partition, offset)
    return found[0]["appended_at"] if found else None


async def heads(source: Fetcher, topic: str) -> dict[int, int]:
    """Partition → next offset."""
    return {row["partition"]: row["head"] for row in await source.fetch(HEADS, topic)}


async def bounds(source: Fetcher, topic: str) -> dict[int, Bounds]:
    """Partition → the offsets it holds."""
    return {row["partition"]: Bounds(row["first"], row["head"]) for row in await source.fetch(BOUNDS, topic)}
