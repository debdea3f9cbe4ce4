"""The bus: one contract, two production implementations (Kafka, and a log in Postgres).

A topic is a set of partitions; a partition is a log of records with offsets 0, 1, 2, … . Publishing is
durable when it returns. A consumer group shares the partitions; its positions live in Postgres
(`bus.positions`) and move in the transaction of the effect, so a consumer that dies or sleeps can never lose
or repeat an effect.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Record:
    """One message to publish: a key (of a snapshot its whole identity, what a broker compacts by), JSON, and
    headers for tracing.

    It goes to `partition`, or, where that is None, to the one its key chooses (see `partition_of`). What is
    read says neither: its run does.
    """

    key: bytes
    value: bytes
    headers: tuple[tuple[str, bytes], ...] = ()
    partition: int | None = None


@dataclass(frozen=True, slots=True)
class Polled:
    """A run of records of one partition: offsets `start` (inclusive) to `end` (exclusive).

    `len(records) == end - start`, except on compacted topics, where the missing ones were removed by
    compaction, and where the bus knows that the others hold no record (`complete`): markers and aborted
    records of a foreign producer's transactions.
    `offsets[i]` is the offset of `records[i]`. `unreadable` says why nobody can decode what lies here: the
    run's one record is then the whole of it, as bytes.
    """

    topic: str
    partition: int
    start: int
    end: int
    records: Sequence[Record] = field(repr=False)
    offsets: Sequence[int] = field(repr=False)
    complete: bool = False
    unreadable: str = ""


class BusUnavailable(Exception):
    """The bus did not take or give the records in time. Nothing is known to be stored; try again."""


class RecordsRefused(BusUnavailable):
    """The bus answers, and will not take at least one of these records as it is: too large, or against a rule
    of the broker.

    Nothing is known of the others of the call. Whoever can tell them apart sends them in parts until the
    refused one stands alone.
    """


class Subscription(Protocol):
    """One consumer's membership of a group. Not shared between tasks."""

    async def poll(self, records_max: int, timeout_s: float) -> list[Polled]:
        """Return at most one run a partition of what is assigned and new since the last poll; [] after
        `timeout_s`.

        On assignment the position is read from `bus.positions` (a partition never seen starts at its
        beginning). Each call continues after the runs returned before, whether or not they were committed:
        see `seek`.
        """

    async def seek(self, topic: str, partition: int, offset: int) -> None:
        """Continue this partition from `offset` at the next poll (after a rolled-back or refused batch)."""

    def hurry(self) -> None:
        """Let a poll that waits look now: somebody waits for what lies there."""

    def assigned(self) -> frozenset[tuple[str, int]]:
        """The (topic, partition) pairs this member owns now."""

    async def close(self) -> None:
        """Leave the group; its partitions go to the others at once."""


class Log(Protocol):
    """What can be seen of a bus without taking part: where the partitions end, what lies in them, and since
    when."""

    async def heads(self, topic: str) -> Mapping[int, int]:
        """Partition → next offset to be written. Everything acknowledged before the call lies below."""

    async def read(self, topic: str, partition: int, start: int, records_max: int) -> Polled:
        """Read a run outside any group (explanations, repairs, hash checks)."""

    async def written_at(self, topic: str, partition: int, offset: int) -> datetime | None:
        """When the first record at or after `offset` was written (machine clock); None at the head, 1970
        where it does not say."""


class Bus(Log, Protocol):
    """What services know of the bus. Implementations: `shared.bus.postgres_log.PostgresLog`,
    `shared.bus.kafka.KafkaBus`."""

    async def start(self) -> None:
        """Connect, and check that every registered topic exists with its registered partition count (create
        what is missing)."""

    async def stop(self) -> None: ...

    async def publish(self, topic: str, records: Sequence[Record]) -> None:
        """Append all records, durably; raise BusUnavailable otherwise (RecordsRefused where it will stay so).
        A partition keeps their order."""

    async def subscribe(self, group: str, topics: Sequence[str]) -> Subscription: ...

    async def positions(self, group: str, topic: str) -> Mapping[int, int]:
        """Partition → next offset the group will process, as committed in Postgres (0 where it never
        began)."""
