"""Dead letters: set aside, looked at, and then published again once what was wrong has been mended, or
discarded by name.

A replay is a new record with the old key, value and headers at the end of its partition. Every group hears
it, as it may hear any record twice: facts have ids and snapshots revisions. What was set aside stays, for K1,
and says when it was replayed. What can never be taken is discarded: the row keeps its bytes, and says when,
by whom and why. Neither end can be taken back.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Self

import asyncpg

from shared.bus import Bus, Polled, Record, RecordsRefused
from shared.errors import AppError, Kind

DEAD = """insert into bus.dead_letters (grp, topic, partition, offset_, key, value, headers, error, batch_id)
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9)"""
ERROR_CHARS_MAX = 2000
#: Letters published, then noted: what dies between is published again.
ROUND_MAX = 500
# nobody has decided about it: neither taken nor given up
OPEN = "replayed_at is null and discarded_at is null"

_LETTER = """select grp, topic, partition, offset_, index_, at, error, replayed_at, discarded_at,
    discarded_by, discard_reason, key, value, headers
    from bus.dead_letters"""
_SELECT = f"""{_LETTER}
    where ($1::text is null or grp = $1) and ($2::text is null or topic = $2) and ($3 or {OPEN})
    order by topic, partition, offset_, index_, grp"""
_OF_KEY = f"{_LETTER} where key = $3 and grp = $1 and topic = $2 and replayed_at is null order by topic, partition, offset_, index_"
_NAMES = """unnest($1::text[], $2::text[], $3::smallint[], $4::bigint[], $5::integer[]) n
    (grp, topic, partition, offset_, index_)
    where (d.grp, d.topic, d.partition, d.offset_, d.index_) = (n.grp, n.topic, n.partition, n.offset_,
        n.index_)"""
_REPLAYED = f"""update bus.dead_letters d set replayed_at = clock_timestamp()
    from unnest($1::text[], $2::smallint[], $3::bigint[], $4::integer[]) p (topic, partition, offset_, index_)
    where (d.topic, d.partition, d.offset_, d.index_) = (p.topic, p.partition, p.offset_, p.index_)
        and {OPEN}"""
_DISCARD = f"""update bus.dead_letters d set discarded_at = clock_timestamp(), discarded_by = $6,
    discard_reason = $7
    from {_NAMES} and {OPEN} returning d.grp, d.topic, d.partition, d.offset_, d.index_"""

Place = tuple[str, int, int, int]  # topic, partition, offset, index


class NoSuchName(AppError):
    """A dead letter's name is GROUP/TOPIC/PARTITION/OFFSET/INDEX, as the list shows it."""

    kind = Kind.MALFORMED


class NotOpen(AppError):
    """No dead letter of this name is open: it was replayed or discarded before, or never set aside."""

    kind = Kind.NOT_FOUND


@dataclass(frozen=True, slots=True)
class Name:
    """What one dead letter is called. `index`: which event of a record that carries several; 0 for a whole
    record."""

    group: str
    topic: str
    partition: int
    offset: int
    index: int = 0

    def __str__(self) -> str:
        return f"{self.group}/{self.topic}/{self.partition}/{self.offset}/{self.index}"

    @classmethod
    def read(cls, text: str) -> Self:
        """The name as a person writes it. Raises NoSuchName."""
        try:
            group, topic, *numbers = text.split("/")
            partition, offset, index = map(int, numbers)
        except ValueError:
            raise NoSuchName(
                f"{text!r} is no name of a dead letter; one is GROUP/TOPIC/PARTITION/OFFSET/INDEX, "
                "as ./u2c dead-letters list shows them"
            ) from None
        return cls(group, topic, partition, offset, index)

    @property
    def place(self) -> Place:
        """Where the record lies, whoever set it aside."""
        return self.topic, self.partition, self.offset, self.index


@dataclass(frozen=True, slots=True)
class Discard:
    """Why a dead letter is never taken, who decided it, and when (machine clock)."""

    at: datetime
    by: str
    reason: str


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A record one group could not take: where it lies, when and why it was set aside, the record itself, and
    what was decided about it."""

    group: str
    topic: str
    partition: int
    offset: int
    index: int
    at: datetime  # machine clock
    error: str
    replayed_at: datetime | None
    discarded: Discard | None
    record: Record

    @property
    def name(self) -> Name:
        return Name(self.group, self.topic, self.partition, self.offset, self.index)


async def insert_dead_letters(
    connection: asyncpg.Connection, group: str, run: Polled, batch_id: int, errors: Mapping[int, str]
) -> None:
    """Set poison aside, whole, in the transaction that moves the position past it: index of the record in its
    run → what is wrong with it."""
    for index, error in errors.items():
        record = run.records[index]
        headers = {name: value.decode("latin-1").replace("\0", "") for name, value in record.headers}
        await connection.execute(
            DEAD,
            group,
            run.topic,
            run.partition,
            run.offsets[index],
            record.key,
            record.value,
            headers,
            error.replace("\0", "")[:ERROR_CHARS_MAX],
            batch_id,
        )


async def dead_letters(
    connection: "asyncpg.Connection | asyncpg.Pool",
    group: str | None = None,
    topic: str | None = None,
    *,
    replayed: bool = False,
) -> list[DeadLetter]:
    """In the order of their topics: those that are open; with `replayed` also those about which it is
    decided, the discarded among them."""
    return [_letter(row) for row in await connection.fetch(_SELECT, group, topic, replayed)]


async def letters_of(
    connection: "asyncpg.Connection", group: str, topic: str, key: bytes
) -> list[DeadLetter]:
    """What a group could not take of this key, and was not published again: open, or discarded."""
    return [_letter(row) for row in await connection.fetch(_OF_KEY, group, topic, key)]


async def replay(
    connection: "asyncpg.Connection | asyncpg.Pool", bus: Bus, letters: Sequence[DeadLetter]
) -> int:
    """Publish each of these records once more, one that several groups set aside only once; return how many.
    Raises BusUnavailable.

    What the bus will never take as it is stays open, and keeps no other from being published.
    """
    records = {letter.name.place: letter.record for letter in letters}
    published = 0
    for start in range(0, len(records), ROUND_MAX):
        taken = await _published(
            bus, {place: records[place] for place in list(records)[start : start + ROUND_MAX]}
        )
        if taken:
            await connection.execute(_REPLAYED, *map(list, zip(*taken, strict=True)))
        published += len(taken)
    return published


async def _published(bus: Bus, records: Mapping[Place, Record]) -> list[Place]:
    """Publish them, each topic at once, or, where the bus refuses one of these, in halves until it stands
    alone; return which it took."""
    taken: list[Place] = []
    for topic in sorted({place[0] for place in records}):
        waiting = [[place for place in records if place[0] == topic]]
        while waiting:
            places = waiting.pop()
            try:
                await bus.publish(topic, [records[place] for place in places])
                taken += places
            except RecordsRefused:
                half = len(places) // 2
                waiting += [places[half:], places[:half]] if half else []
    return taken


async def discard(pool: asyncpg.Pool, names: Sequence[Name], by: str, reason: str) -> int:
    """Give these up for good: all of them, or none. Return how many. Raises NotOpen, which names the first
    that cannot be."""
    wanted = list(dict.fromkeys(names))
    columns = [
        [name.group for name in wanted],
        [name.topic for name in wanted],
        [name.partition for name in wanted],
        [name.offset for name in wanted],
        [name.index for name in wanted],
    ]
    async with pool.acquire() as connection, connection.transaction():
        done = {Name(*row) for row in await connection.fetch(_DISCARD, *columns, by, reason)}
        for name in wanted:
            if name not in done:
                raise NotOpen(
                    f"{name} is not open: it was replayed or discarded before, or never set aside; "
                    "nothing was discarded; ./u2c dead-letters list --all shows them"
                )
    return len(done)


def _letter(row: asyncpg.Record) -> DeadLetter:
    discarded = (
        Discard(row["discarded_at"], row["discarded_by"], row["discard_reason"])
        if row["discarded_at"]
        else None
    )
    headers = tuple((name, text.encode("latin-1")) for name, text in row["headers"].items())
    return DeadLetter(
        row["grp"],
        row["topic"],
        row["partition"],
        row["offset_"],
        row["index_"],
        row["at"],
        row["error"],
        row["replayed_at"],
        discarded,
        Record(row["key"], row["value"], headers, row["partition"]),
    )
