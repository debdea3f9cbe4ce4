"""K2, what is in flight: records of usage between a group's position and the head of the log, by source; and
what stands still there.

Counted by reading the log, up to READ_MAX records; how many more there are is known from their offsets, from
whom they are is not.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import asyncpg

from services.billing.conservation.checks.worth import USAGE_TOPICS, Worth, in_words, source_of
from services.billing.conservation.domain.breaks import Break, K, Row
from shared.bus import Log
from shared.topics import ALL
from shared.values.money import Money

READ_MAX = 100_000
ROUND = 5_000
STANDS_AFTER = timedelta(minutes=15)  # machine clock
#: A record that says it was written later than this says nothing of its age.
AHEAD_MAX = timedelta(minutes=5)
GROUP, TOPIC = "rating", "usage.events"  # what K2 compares receipts with

POSITIONS = """
    select grp, topic, partition, position, moved_at, clock_timestamp() as now from bus.positions
    where topic like 'usage.%' order by topic <> $1, topic, partition, grp
"""


@dataclass(frozen=True, slots=True)
class Place:
    """A group's position in one partition, and where that ends. `moved_at`: None before it ever moved."""

    group: str
    topic: str
    partition: int
    position: int
    head: int
    moved_at: datetime | None

    @property
    def waiting(self) -> int:
        return max(0, self.head - self.position)


@dataclass(frozen=True, slots=True)
class Still:
    """A place that has not moved for STANDS_AFTER, since when, what was read of it and what that is worth."""

    place: Place
    since: datetime
    read: int
    worth: tuple[Money, ...]


@dataclass(slots=True)
class InFlight:
    """Of usage.events to metering: how many records wait, from which sources those are that were read. Of all
    usage: what stands still."""

    waiting: int = 0
    by_source: Counter[str] = field(default_factory=Counter)
    still: list[Still] = field(default_factory=list)

    @property
    def unread(self) -> int:
        return self.waiting - self.by_source.total()

    def breaks(self) -> list[Break]:
        return [_stands(still) for still in self.still]


async def in_flight(connection: asyncpg.Connection, log: Log) -> InFlight:
    """Look at every place usage passes, those of metering first. Raises BusUnavailable."""
    found, left = InFlight(), READ_MAX
    now, places = await _places(connection, log)
    for place in places:
        ours, since = (place.group, place.topic) == (GROUP, TOPIC), await _still_since(log, place, now)
        if ours:
            found.waiting += place.waiting
        if not place.waiting or not (ours or since):
            continue
        worth = Worth[Place](connection)
        sources = await _read(log, place, left, worth if since and place.topic in USAGE_TOPICS else None)
        left -= sources.total()
        if ours:
            found.by_source += sources
        if since:
            found.still.append(Still(place, since, sources.total(), await worth.of(place)))
    return found


async def _places(connection: asyncpg.Connection, log: Log) -> tuple[datetime, Sequence[Place]]:
    """The machine's time, and where each group stands that hears a topic of usage; metering also where it
    never began."""
    rows = [
        row
        for row in await connection.fetch(POSITIONS, TOPIC)
        if row["topic"] in ALL and row["grp"] in ALL[row["topic"]].groups
    ]
    heads = {topic: await log.heads(topic) for topic in sorted({TOPIC, *(row["topic"] for row in rows)})}
    known = {row["partition"] for row in rows if (row["grp"], row["topic"]) == (GROUP, TOPIC)}
    unbegun = [
        Place(GROUP, TOPIC, partition, 0, head, None)
        for partition, head in sorted(heads[TOPIC].items())
        if partition not in known
    ]
    now: datetime = rows[0]["now"] if rows else await connection.fetchval("select clock_timestamp()")
    return now, [*unbegun, *(_place(row, heads[row["topic"]]) for row in rows)]


def _place(row: asyncpg.Record, heads: Mapping[int, int]) -> Place:
    return Place(
        row["grp"],
        row["topic"],
        row["partition"],
        row["position"],
        heads.get(row["partition"], 0),
        row["moved_at"],
    )


async def _still_since(log: Log, place: Place, now: datetime) -> datetime | None:
    """Since when its first record waits at a position that has not moved; None where that is not long, or
    nothing waits."""
    if not place.waiting or (place.moved_at and now - place.moved_at < STANDS_AFTER):
        return None
    written = await log.written_at(place.topic, place.partition, place.position)
    # Markers of a producer's transaction: offsets without a record.
    if written is None:
        return None
    since = max(
        [at for at in (place.moved_at, written if written < now + AHEAD_MAX else None) if at], default=None
    )
    return since if since and now - since >= STANDS_AFTER else None


async def _read(log: Log, place: Place, records_max: int, worth: Worth[Place] | None) -> Counter[str]:
    """Source → records, of at most so many from the position on; adds them to `worth`."""
    sources: Counter[str] = Counter()
    offset, end = place.position, min(place.head, place.position + records_max)
    while offset < end:
        run = await log.read(place.topic, place.partition, offset, min(ROUND, end - offset))
        for record in run.records:
            sources[source_of(record.value)] += 1
            if worth is not None:
                await worth.add(place, record.value)
        if run.end <= offset:
            break
        offset = run.end
    return sources


def _stands(still: Still) -> Break:
    place = still.place
    unread = (
        f" (of {place.waiting - still.read:,} more it is not known)"
        if still.worth and place.waiting > still.read
        else ""
    )
    return Break(
        K.DOOR,
        "in_flight_stands",
        Row("bus.positions", {"grp": place.group, "topic": place.topic, "partition": place.partition}),
        "a position that moves",
        f"{place.waiting} records behind {place.position}, which stands since {still.since:%Y-%m-%d %H:%M:%S} UTC",
        f"{place.waiting:,} records of {place.topic}/{place.partition} wait for {place.group}{in_words(still.worth)}{unread}, and it has taken none "
        f"for {STANDS_AFTER.seconds // 60} minutes: start {place.group.partition('.')[0]}, or see its /readyz for what its consumer waits for",
        worth=still.worth,
    )
