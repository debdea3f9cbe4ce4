"""What a handler is given, what it answers, and the row that says which handler takes which topic."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Generic, Protocol, TypeVar

import msgspec

from shared.bus import Bus, Polled
from shared.bus.batch_rows import Sources
from shared.bus.framing import Headers
from shared.db.unit_of_work import Database, UnitOfWork
from shared.errors import AppError
from shared.topics import Topic

M = TypeVar("M")
#: What makes a record no message; nested too deeply is one of them.
UNREADABLE: tuple[type[Exception], ...] = (
    msgspec.DecodeError,
    msgspec.ValidationError,
    UnicodeDecodeError,
    RecursionError,
)


@dataclass(frozen=True, slots=True)
class Batch(Generic[M]):
    """A run of messages of one partition, offsets `start` to `end` (exclusive). Poison and compacted offsets
    have no message."""

    topic: str
    partition: int
    start: int
    end: int
    batch_id: int  # monotone within (group, topic, partition)
    #: Raw `bytes` where the topic has no message type (usage.raw).
    messages: list[M]
    offsets: Sequence[int]
    headers: list[Headers]
    keys: list[bytes]
    #: Raw topics: why nobody can decode the one message, see `Polled`.
    unreadable: str = ""


@dataclass(frozen=True, slots=True)
class BatchCounts:
    """What became of the messages; the sum is their number."""

    new: int = 0
    duplicate: int = 0
    conflict: int = 0
    void: int = 0
    #: What a producer sent and the handler cannot store, told to usage.quarantine.
    quarantined: int = 0
    #: The same by source, for a subscription `by_source`.
    sources: Sources | None = field(default=None, compare=False)

    @property
    def total(self) -> int:
        return self.new + self.duplicate + self.conflict + self.void + self.quarantined


class ConsumerSettings(Protocol):
    """What a consumer needs of its service's settings."""

    @property
    def consumer_batch_max(self) -> int: ...  # records of one poll


class ConsumerContext(Protocol):
    """What a consumer needs of a service; handlers get the whole one."""

    @property
    def db(self) -> Database: ...
    @property
    def bus(self) -> Bus: ...
    @property
    def settings(self) -> ConsumerSettings: ...


C = TypeVar("C", bound=ConsumerContext, contravariant=True)
#: Of a batch of the topic's messages: which type these have, the topic says when it runs.
Handler = Callable[[Batch[Any], UnitOfWork, C], Awaitable[BatchCounts]]
Refuse = Callable[[Batch[Any], AppError, UnitOfWork, C], Awaitable[BatchCounts]]


@dataclass(frozen=True, slots=True)
class Subscribe(Generic[C]):
    """A row of a service's subscriptions: this topic goes to this handler. `by_source`: the batch rows say
    what came of each source."""

    topic: Topic
    handler: Handler[C]
    records_max: int = 5000
    by_source: bool = False
    #: What becomes of a message that the handler calls poison (AppError), once it stands alone; None: a dead
    #: letter. Whatever producers may send goes this way: dead letters count towards the brake that is meant
    #: for a broken release, and what is refused here does not. It raises the fault again for a message that it
    #: finds nothing wrong with.
    refuse: Refuse[C] | None = None

    def refusing(self, fault: AppError) -> "Subscribe[C]":
        """The same, with the one message of the batch refused for this fault."""
        assert self.refuse is not None
        refuse = self.refuse

        async def refused(batch: Batch[Any], uow: UnitOfWork, context: C) -> BatchCounts:
            return await refuse(batch, fault, uow, context)

        return replace(self, handler=refused)


@dataclass(frozen=True, slots=True)
class Decoded:
    """A run and the messages in it; `dead` says of each record that is none why not, by its index in the
    run."""

    run: Polled
    messages: list[Any]
    dead: Mapping[int, str]

    @property
    def alive(self) -> Sequence[int]:
        """The indexes of the records that are messages."""
        everything = range(len(self.run.records))
        return [n for n in everything if n not in self.dead] if self.dead else everything

    @property
    def compacted(self) -> int:
        """How many offsets of the run hold no record."""
        return self.run.end - self.run.start - len(self.run.records)

    def batch(self, batch_id: int) -> Batch[Any]:
        """What the handler gets."""
        run, alive = self.run, self.alive
        return Batch(
            run.topic,
            run.partition,
            run.start,
            run.end,
            batch_id,
            self.messages,
            [run.offsets[n] for n in alive] if self.dead else run.offsets,
            [run.records[n].headers for n in alive],
            [run.records[n].key for n in alive],
            run.unreadable,
        )

    def dead_alone(self, index: int, error: str) -> "Decoded":
        """The same with the last message set aside too, so that none is left."""
        return Decoded(self.run, [], {**self.dead, index: error})


def decoded(topic: Topic, run: Polled) -> Decoded:
    """The messages of a run. A record that is none makes no other one unreadable."""
    if topic.message is None:
        return Decoded(run, [record.value for record in run.records], {})
    if run.unreadable:
        return Decoded(run, [], {0: run.unreadable})
    try:
        return Decoded(run, [topic.decode(record.value) for record in run.records], {})
    except UNREADABLE:
        return _decoded_one_by_one(topic, run)


def _decoded_one_by_one(topic: Topic, run: Polled) -> Decoded:
    messages: list[Any] = []
    dead: dict[int, str] = {}
    for n, record in enumerate(run.records):
        try:
            messages.append(topic.decode(record.value))
        except UNREADABLE as fault:
            dead[n] = repr(fault)
    return Decoded(run, messages, dead)


def halves(run: Polled, cut: int) -> tuple[Polled, Polled]:
    """Split before the record of index `cut`."""
    at = run.offsets[cut]
    return (
        replace(run, end=at, records=run.records[:cut], offsets=run.offsets[:cut]),
        replace(run, start=at, records=run.records[cut:], offsets=run.offsets[cut:]),
    )
