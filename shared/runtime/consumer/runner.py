"""Runs a service's subscriptions: one transaction a batch, exactly once, whoever dies, sleeps or comes back.

The transaction is: compare-and-set of the position, the handler's effects, the dead letters, the batch row;
then commit. A batch whose position somebody else has moved is dropped. Decode errors, AppError and what the
bus refuses are poison: the batch is halved until the bad record stands alone and becomes a dead letter.
Outages are retried for ever, with back-off, and /readyz says so. So is anything else at first; what may be
the message's own fault (shared/runtime/consumer/blame.py) is sought in the same way after five tries, and set aside when it
fails five times more, alone.
"""

import asyncio
import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from itertools import product
from time import perf_counter
from typing import Any, Generic, Protocol, TypeVar

import msgspec
import structlog

from shared.bus import Bus, BusUnavailable, Polled, Record, RecordsRefused, Subscription, metrics, positions
from shared.bus.batch_rows import OUTCOMES, Sources, insert_batch_row, with_the_rest
from shared.bus.dead_letters import insert_dead_letters
from shared.bus.faults import DATABASE_FAULTS, LogFault, RecordsLost
from shared.bus.framing import Headers, record_hash
from shared.db.unit_of_work import OUTAGES, Database, UnitOfWork
from shared.errors import AppError
from shared.runtime import failpoints
from shared.runtime.consumer.blame import described, may_be_the_message
from shared.runtime.consumer.flight import Flight
from shared.runtime.pacing import Flow, rest_s
from shared.runtime.wake import Wake
from shared.topics import Topic, TopicKind

M = TypeVar("M")
log = structlog.get_logger()
POLL_TIMEOUT_S = 1.0
DEAD_IN_A_ROW_MAX = 100
CRASHES_MAX = 5  # tries of a run before the message to blame is sought, and of that message alone
BACKOFF_MIN_S, BACKOFF_MAX_S = 0.05, 5.0
LAG_EVERY_S = 2.0
FULL_ROUND = 2000  # records that make a round of transactions worth its price
FAILURES_BEFORE_UNREADY = 5
TRACE = re.compile(rb"[0-9A-Za-z-]{1,64}")
WAITED_OUT: tuple[type[BaseException], ...] = (BusUnavailable, *OUTAGES)
POISON: tuple[type[Exception], ...] = (AppError, msgspec.DecodeError, msgspec.ValidationError, RecordsRefused)
#: What makes a record no message; nested too deeply is one of them.
UNREADABLE: tuple[type[Exception], ...] = (
    msgspec.DecodeError,
    msgspec.ValidationError,
    UnicodeDecodeError,
    RecursionError,
)
BUS_FAULTS: tuple[type[BaseException], ...] = (BusUnavailable, *DATABASE_FAULTS)


@dataclass(frozen=True, slots=True)
class Batch(Generic[M]):
    """A run of messages of one partition, offsets `start` to `end` (exclusive). Poison and compacted offsets
    have no message."""

    topic: str
    partition: int
    start: int
    end: int
    batch_id: int  # monotone within (group, topic, partition)
    messages: list[M]  # raw `bytes` where the topic has no message type (usage.raw)
    offsets: Sequence[int]
    headers: list[Headers]
    keys: list[bytes]
    unreadable: str = ""  # raw topics: why nobody can decode the one message, see `Polled`


@dataclass(frozen=True, slots=True)
class BatchCounts:
    """What became of the messages; the sum is their number."""

    new: int = 0
    duplicate: int = 0
    conflict: int = 0
    void: int = 0
    quarantined: int = 0  # what a producer sent and the handler cannot store, told to usage.quarantine
    sources: Sources | None = field(
        default=None, compare=False
    )  # the same by source, for a subscription `by_source`

    @property
    def total(self) -> int:
        return self.new + self.duplicate + self.conflict + self.void + self.quarantined


class ConsumerContext(Protocol):
    """What the runner needs of a service's context; handlers get the whole one."""

    @property
    def db(self) -> Database: ...
    @property
    def bus(self) -> Bus: ...
    @property
    def settings(self) -> Any: ...  # its consumer_batch_max: records of one transaction


Handler = Callable[[Batch[Any], UnitOfWork, Any], Awaitable[BatchCounts]]
Refuse = Callable[[Batch[Any], AppError, UnitOfWork, Any], Awaitable[BatchCounts]]


@dataclass(frozen=True, slots=True)
class Subscribe:
    """A row of a service's subscriptions: this topic goes to this handler. `by_source`: the batch rows say
    what came of each source."""

    topic: Topic
    handler: Handler
    records_max: int = 5000
    by_source: bool = False
    #: What becomes of a message that the handler calls poison (AppError), once it stands alone; None: a dead
    #: letter. Whatever producers may
    #: send goes this way: dead letters count towards the brake that is meant for a broken release, and what
    #: is refused here does not.
    #: It raises the fault again for a message that it finds nothing wrong with.
    refuse: Refuse | None = None

    def refusing(self, fault: AppError) -> "Subscribe":
        """The same, with the one message of the batch refused for this fault."""
        assert self.refuse is not None
        refuse = self.refuse

        async def refused(batch: Batch[Any], uow: UnitOfWork, context: Any) -> BatchCounts:
            return await refuse(batch, fault, uow, context)

        return replace(self, handler=refused)


class _Refused(Exception):
    """The position is not where this batch starts: another consumer was first."""


class ConsumerStopped(Exception):
    """Consuming on would do harm; the message says why and what to do."""


@dataclass
class Consumer:
    """One process's consumer of a group. `run` returns only when it must stop; `stopped_reason` says why (or
    what it waits for)."""

    context: Any
    group: str
    subscriptions: Sequence[Subscribe]
    look_every_s: float | None = None  # for a topic that seldom says anything; None: see it at once
    progress: Wake = field(default_factory=Wake)  # called when a transaction has committed
    _hurried: Wake = field(default_factory=Wake)
    _subscription: Subscription | None = None
    _stopped: str | None = None
    _failing: str | None = None
    _unanswered: str | None = None
    _failures: int = 0
    _took_s: float = 0.0  # of the transactions since the last rest
    _dead_in_a_row: dict[tuple[str, int], int] = field(default_factory=dict)

    @property
    def stopped_reason(self) -> str | None:
        return (
            self._stopped
            or (self._failing if self._failures >= FAILURES_BEFORE_UNREADY else None)
            or self._unanswered
        )

    def hurry(self) -> None:
        """Look now, whatever the consumer would have rested: somebody waits for what lies there."""
        self._hurried.call()
        if self._subscription is not None:
            self._subscription.hurry()

    async def run(self) -> None:
        """Consume until cancelled or stopped."""
        if not self.subscriptions:
            return
        self._by_topic = {subscribe.topic.name: subscribe for subscribe in self.subscriptions}
        for topic, outcome in product(self._by_topic, OUTCOMES):
            metrics.RECORDS.labels(
                self.group, topic, outcome
            )  # born at 0: of a series born at 1, no rule sees the first
        watching = asyncio.create_task(self._watch_lag(), name="consumer-lag")
        try:
            await self._consume()
        except (LogFault, ConsumerStopped) as fault:
            self._stopped = str(fault)
            log.error("consumer_stopped", group=self.group, reason=self._stopped)
        finally:
            watching.cancel()
            await asyncio.gather(watching, return_exceptions=True)

    async def _consume(self) -> None:
        """Poll the next round while the one before is worked off, after a rest where a steady flow makes
        small ones. Seeking waits until nothing is in flight.
        """
        self._subscription = subscription = await self.context.bus.subscribe(self.group, list(self._by_topic))
        flight, flow = Flight(self._handle_until_done), Flow()
        try:
            while True:
                looked = perf_counter()
                runs = await self._poll(subscription)
                flows = flow.looked(perf_counter() - looked)
                flight.start(runs)
                elsewhere = await flight.land_round()
                await self._rest(flows, sum(len(run.records) for run in runs))
                if elsewhere:
                    for (topic, partition), position in (await flight.land_all()).items():
                        await subscription.seek(topic, partition, position)
        finally:
            await flight.abort()
            await asyncio.shield(subscription.close())

    async def _rest(self, flows: bool, records: int) -> None:
        took_s, self._took_s = self._took_s, 0.0
        if self.look_every_s is not None:
            await asyncio.sleep(self.look_every_s)
        elif flows:
            await self._hurried.wait(rest_s(took_s, full=records >= FULL_ROUND))

    async def _poll(self, subscription: Subscription) -> list[Polled]:
        records_max = min(
            max(subscribe.records_max for subscribe in self.subscriptions),
            self.context.settings.consumer_batch_max,
        )
        backoff_s = BACKOFF_MIN_S
        while True:
            try:
                runs = await subscription.poll(
                    records_max, POLL_TIMEOUT_S if self.look_every_s is None else 0.0
                )
                self._recovered()
                return runs
            except LogFault:
                raise
            except BusUnavailable as fault:
                backoff_s = await self._back_off(backoff_s, fault)
            except Exception as fault:
                log.exception("poll_failed", group=self.group)
                backoff_s = await self._back_off(backoff_s, fault)

    async def _handle_until_done(self, run: Polled) -> int | None:
        """Return None when the run is consumed, or the offset to continue from when another consumer was
        first."""
        backoff_s, crashes = BACKOFF_MIN_S, 0
        while True:
            try:
                await self._handle(run, isolate=crashes >= CRASHES_MAX)
                self._recovered()
                return None
            except _Refused:
                metrics.REFUSED.labels(self.group, run.topic).inc()
                fault: BaseException
                try:
                    return (
                        await positions.load(self.context.db.pool, self.group, run.topic, run.partition)
                    ).offset
                except DATABASE_FAULTS as caught:
                    fault = caught
            except (LogFault, ConsumerStopped):
                raise
            except WAITED_OUT as caught:
                fault = caught
            except Exception as caught:
                log.exception(
                    "handler_failed",
                    group=self.group,
                    topic=run.topic,
                    partition=run.partition,
                    start=run.start,
                    end=run.end,
                )
                fault, crashes = caught, crashes + may_be_the_message(caught)
            backoff_s = await self._back_off(backoff_s, fault)

    async def _handle(self, run: Polled, *, isolate: bool = False) -> None:
        """Consume the run in one transaction, or in halves when the handler finds poison in it, or, with
        `isolate`, crashes on it."""
        subscribe = self._by_topic[run.topic]
        if len(run.records) > subscribe.records_max:
            for part in _halves(run, subscribe.records_max):
                await self._handle(part, isolate=isolate)
            return
        messages, dead = self._decode(subscribe.topic, run)
        try:
            await self._transact(subscribe, run, messages, dead)
        except (LogFault, ConsumerStopped, _Refused):
            raise
        except Exception as fault:
            crashed = not isinstance(fault, POISON)
            good = [n for n in range(len(run.records)) if n not in dead]
            if not good or (crashed and not (isolate and may_be_the_message(fault))):
                raise
            if len(good) > 1:
                for half in _halves(run, good[len(good) // 2]):
                    await self._handle(half, isolate=isolate)
                return
            if await self._refused(subscribe, run, messages, dead, fault):
                return
            error = await self._alone(subscribe, run, messages, dead, fault) if crashed else repr(fault)
            if error is not None:
                await self._transact(subscribe, run, [], {**dead, good[0]: error})

    async def _refused(
        self, subscribe: Subscribe, run: Polled, messages: list[Any], dead: dict[int, str], fault: Exception
    ) -> bool:
        """Whether the subscription has a place of its own for this message, alone in its run."""
        if subscribe.refuse is None or not isinstance(fault, AppError):
            return False
        try:
            await self._transact(subscribe.refusing(fault), run, messages, dead)
        except AppError:
            return False
        return True

    async def _alone(
        self, subscribe: Subscribe, run: Polled, messages: list[Any], dead: dict[int, str], crash: Exception
    ) -> str | None:
        """Try a run with one message that crashed the handler until it has failed CRASHES_MAX times; None
        when it was taken after all."""
        backoff_s = BACKOFF_MIN_S
        for _ in range(CRASHES_MAX - 1):
            backoff_s = await self._back_off(backoff_s, crash)
            try:
                await self._transact(subscribe, run, messages, dead)
                return None
            except (LogFault, ConsumerStopped, _Refused):
                raise
            except Exception as caught:
                if not may_be_the_message(caught):
                    raise
                crash = caught
        log.error(
            "message_set_aside",
            group=self.group,
            topic=run.topic,
            partition=run.partition,
            offset=run.offsets[-1],
            fault=described(crash),
        )
        return described(crash)

    def _decode(self, topic: Topic, run: Polled) -> tuple[list[Any], dict[int, str]]:
        """The messages, and index → error of the records that are none."""
        if topic.message is None:
            return [record.value for record in run.records], {}
        if run.unreadable:
            return [], {0: run.unreadable}
        try:
            return [topic.decode(record.value) for record in run.records], {}
        except UNREADABLE:
            return _decode_one_by_one(topic, run.records)

    async def _transact(
        self, subscribe: Subscribe, run: Polled, messages: list[Any], dead: dict[int, str]
    ) -> None:
        self._refuse_loss(subscribe.topic, run)
        dead_in_a_row = self._dead_row_after(run, dead)
        began, trace = perf_counter(), _trace_of(run)
        with structlog.contextvars.bound_contextvars(trace=trace, topic=run.topic, partition=run.partition):
            async with self.context.db.transaction(trace=trace) as uow:
                batch_id = await self._move_position(uow.connection, run)
                counts = await self._effects(subscribe, run, batch_id, messages, dead, uow)
                compacted = run.end - run.start - len(run.records)
                outcome = (
                    counts.new,
                    counts.duplicate,
                    counts.conflict,
                    counts.void,
                    counts.quarantined,
                    len(dead),
                    compacted,
                )
                await insert_dead_letters(uow.connection, self.group, run, batch_id, dead)
                await insert_batch_row(
                    uow.connection,
                    batch_id,
                    self.group,
                    run,
                    outcome,
                    self._sources(subscribe, counts, run, dead, compacted),
                )
                await uow.flush()
                failpoints.reach("consumer.before_commit")
        self._dead_in_a_row[run.topic, run.partition] = dead_in_a_row
        self._measure(run, outcome, perf_counter() - began)
        self.progress.call()

    async def _effects(
        self,
        subscribe: Subscribe,
        run: Polled,
        batch_id: int,
        messages: list[Any],
        dead: dict[int, str],
        uow: UnitOfWork,
    ) -> BatchCounts:
        if not messages:
            return BatchCounts()
        alive = [n for n in range(len(run.records)) if n not in dead] if dead else range(len(run.records))
        batch = Batch(
            run.topic,
            run.partition,
            run.start,
            run.end,
            batch_id,
            messages,
            [run.offsets[n] for n in alive] if dead else run.offsets,
            [run.records[n].headers for n in alive],
            [run.records[n].key for n in alive],
            run.unreadable,
        )
        counts = await subscribe.handler(batch, uow, self.context)
        assert counts.total == len(messages), (
            f"{subscribe.handler.__qualname__} accounts for {counts.total} of {len(messages)} messages"
        )
        return counts

    def _sources(
        self, subscribe: Subscribe, counts: BatchCounts, run: Polled, dead: dict[int, str], compacted: int
    ) -> Sources | None:
        """The batch row's counts by source; None for a subscription that keeps none."""
        if not subscribe.by_source:
            return None
        assert counts.sources is not None or not counts.total, (
            f"{subscribe.handler.__qualname__} must count by source"
        )
        return with_the_rest(counts.sources or {}, [run.records[n] for n in dead], compacted)

    async def _move_position(self, connection: Any, run: Polled) -> int:
        last_hash = record_hash(run.records[-1]) if run.records else None
        batch_id = await positions.move(
            self.context.db.pool,
            connection,
            self.group,
            run.topic,
            run.partition,
            run.start,
            run.end,
            last_hash,
        )
        if batch_id is None:
            raise _Refused
        return batch_id

    def _refuse_loss(self, topic: Topic, run: Polled) -> None:
        """A fact topic has no holes but those of which the bus knows that they hold no record."""
        if topic.kind is TopicKind.SNAPSHOT or run.complete or len(run.records) == run.end - run.start:
            return
        end = next((offset for n, offset in enumerate(run.offsets) if offset != run.start + n), run.end)
        raise RecordsLost(self.group, run.topic, run.partition, run.start, end)

    def _dead_row_after(self, run: Polled, dead: dict[int, str]) -> int:
        """How many records in a row are poison at the end of this run; ConsumerStopped when it gets too
        many."""
        row = self._dead_in_a_row.get((run.topic, run.partition), 0) if dead else 0
        for n in range(len(run.records)) if dead else ():
            row = row + 1 if n in dead else 0
            if row > DEAD_IN_A_ROW_MAX:
                raise ConsumerStopped(
                    f"more than {DEAD_IN_A_ROW_MAX} records in a row of {run.topic}[{run.partition}] are poison, last at offset {run.offsets[n]}: "
                    f"{dead[n]}. Producer and consumer disagree about the message: deploy the matching versions and start again; "
                    f"what was set aside is shown by ./u2c dead-letters list."
                )
        return row

    def _measure(self, run: Polled, outcome: tuple[int, ...], seconds: float) -> None:
        metrics.BATCH_RECORDS.labels(self.group, run.topic).observe(len(run.records))
        metrics.BATCH_SECONDS.labels(self.group, run.topic).observe(seconds)
        self._took_s += seconds
        for name, count in zip(OUTCOMES, outcome, strict=True):
            if count:
                metrics.RECORDS.labels(self.group, run.topic, name).inc(count)

    def _recovered(self) -> None:
        self._failures, self._failing = 0, None

    async def _back_off(self, backoff_s: float, fault: BaseException) -> float:
        self._failures, self._failing = self._failures + 1, f"waits and tries again: {fault!r}"
        log.warning("consumer_waits", group=self.group, fault=repr(fault), backoff_s=backoff_s)
        await asyncio.sleep(backoff_s)
        return min(backoff_s * 2, BACKOFF_MAX_S)

    async def _watch_lag(self) -> None:
        """Measure the lag. A bus that is away shows here first: a poll of it just finds nothing."""
        while True:
            try:
                for topic in self._by_topic:
                    heads, done = (
                        await self.context.bus.heads(topic),
                        await self.context.bus.positions(self.group, topic),
                    )
                    metrics.LAG.labels(self.group, topic).set(sum(heads.values()) - sum(done.values()))
                self._unanswered = None
            except BUS_FAULTS as fault:
                self._unanswered = f"the bus does not answer: {fault}"
                log.warning("lag_unknown", group=self.group, fault=repr(fault))
            await asyncio.sleep(LAG_EVERY_S)


async def run_consumer(context: ConsumerContext, group: str, subscriptions: Sequence[Subscribe]) -> None:
    """Consume until cancelled; raise ConsumerStopped when going on would do harm."""
    consumer = Consumer(context, group, subscriptions)
    await consumer.run()
    raise ConsumerStopped(consumer.stopped_reason or "nothing to consume")


def _decode_one_by_one(topic: Topic, records: Sequence[Record]) -> tuple[list[Any], dict[int, str]]:
    messages: list[Any] = []
    dead: dict[int, str] = {}
    for n, record in enumerate(records):
        try:
            messages.append(topic.decode(record.value))
        except UNREADABLE as fault:
            dead[n] = repr(fault)
    return messages, dead


def _halves(run: Polled, cut: int) -> tuple[Polled, Polled]:
    """Split before the record of index `cut`."""
    at = run.offsets[cut]
    return (
        replace(run, end=at, records=run.records[:cut], offsets=run.offsets[:cut]),
        replace(run, start=at, records=run.records[cut:], offsets=run.offsets[cut:]),
    )


def _trace_of(run: Polled) -> str:
    """The trace id of the batch: that of its first record that has one. Headers are anybody's, and a trace id
    goes into rows and logs."""
    for record in run.records[:1]:
        for name, value in record.headers:
            if name == "trace" and TRACE.fullmatch(value):
                return value.decode()
    return ""
