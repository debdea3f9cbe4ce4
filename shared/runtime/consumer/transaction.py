"""One transaction a batch: the position moves by compare-and-set, then the handler's effects, the dead letters
and the batch row; then it commits. A batch whose position somebody else has moved is dropped."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from time import perf_counter
from typing import Generic, TypeVar

import structlog

from shared.bus import Polled, metrics, positions
from shared.bus.batch_rows import OUTCOMES, Sources, insert_batch_row, with_the_rest
from shared.bus.dead_letters import insert_dead_letters
from shared.bus.faults import RecordsLost
from shared.db.unit_of_work import UnitOfWork
from shared.runtime import failpoints
from shared.runtime.consumer.batch import BatchCounts, ConsumerContext, Decoded, Subscribe
from shared.runtime.consumer.flight import Lane
from shared.runtime.wake import News
from shared.topics import Topic, TopicKind

C = TypeVar("C", bound=ConsumerContext)
DEAD_IN_A_ROW_MAX = 100
TRACE = re.compile(rb"[0-9A-Za-z-]{1,64}")


class PositionMoved(Exception):
    """The position is not where this batch starts: another consumer was first."""


class ConsumerStopped(Exception):
    """Consuming on would do harm; the message says why and what to do."""


@dataclass
class Transactions(Generic[C]):
    """The transactions of one consumer."""

    context: C
    group: str
    progress: News = field(default_factory=News)  # called when one has committed
    _took_s: float = 0.0

    def took_s(self) -> float:
        """Seconds they took since this was last asked."""
        took_s, self._took_s = self._took_s, 0.0
        return took_s

    async def commit(self, subscribe: Subscribe[C], decoded: Decoded, lane: Lane) -> None:
        """Consume the run. Raises PositionMoved, ConsumerStopped, RecordsLost, or what the handler raises."""
        run = decoded.run
        _refuse_loss(self.group, subscribe.topic, run)
        dead_in_a_row = _dead_in_a_row(lane.dead_in_a_row, decoded)
        began, trace = perf_counter(), _trace_of(run)
        with structlog.contextvars.bound_contextvars(trace=trace, topic=run.topic, partition=run.partition):
            async with self.context.db.transaction(trace=trace) as uow:
                await uow.keep_plans_of(len(run.records))
                batch_id = await self._move_position(uow, run)
                counts = await self._effects(subscribe, decoded, batch_id, uow)
                outcome = _outcome(counts, decoded)
                sources = _sources(subscribe, counts, decoded)
                await insert_dead_letters(uow.connection, self.group, run, batch_id, decoded.dead)
                await insert_batch_row(uow.connection, batch_id, self.group, run, outcome, sources)
                await uow.flush()
                failpoints.reach("consumer.before_commit")
        lane.dead_in_a_row = dead_in_a_row
        self._measure(run, outcome, perf_counter() - began)
        self.progress.call()

    async def _move_position(self, uow: UnitOfWork, run: Polled) -> int:
        """The number of the batch."""
        batch_id = await positions.move(self.context.db.pool, uow.connection, self.group, run)
        if batch_id is None:
            raise PositionMoved
        return batch_id

    async def _effects(
        self, subscribe: Subscribe[C], decoded: Decoded, batch_id: int, uow: UnitOfWork
    ) -> BatchCounts:
        if not decoded.messages:
            return BatchCounts()
        counts = await subscribe.handler(decoded.batch(batch_id), uow, self.context)
        assert counts.total == len(decoded.messages), (
            f"{subscribe.handler.__qualname__} accounts for {counts.total} of {len(decoded.messages)} messages"
        )
        return counts

    def _measure(self, run: Polled, outcome: Sequence[int], seconds: float) -> None:
        metrics.BATCH_RECORDS.labels(self.group, run.topic).observe(len(run.records))
        metrics.BATCH_SECONDS.labels(self.group, run.topic).observe(seconds)
        self._took_s += seconds
        for name, count in zip(OUTCOMES, outcome, strict=True):
            if count:
                metrics.RECORDS.labels(self.group, run.topic, name).inc(count)


def _outcome(counts: BatchCounts, decoded: Decoded) -> tuple[int, ...]:
    """A count for each of OUTCOMES."""
    return (
        counts.new,
        counts.duplicate,
        counts.conflict,
        counts.void,
        counts.quarantined,
        len(decoded.dead),
        decoded.compacted,
    )


def _sources(subscribe: Subscribe[C], counts: BatchCounts, decoded: Decoded) -> Sources | None:
    """The batch row's counts by source; None for a subscription that keeps none."""
    if not subscribe.by_source:
        return None
    assert counts.sources is not None or not counts.total, (
        f"{subscribe.handler.__qualname__} must count by source"
    )
    dead = [decoded.run.records[n] for n in decoded.dead]
    return with_the_rest(counts.sources or {}, dead, decoded.compacted)


def _refuse_loss(group: str, topic: Topic, run: Polled) -> None:
    """A fact topic has no holes but those of which the bus knows that they hold no record."""
    if topic.kind is TopicKind.SNAPSHOT or run.complete or len(run.records) == run.end - run.start:
        return
    end = next((offset for n, offset in enumerate(run.offsets) if offset != run.start + n), run.end)
    raise RecordsLost(group, run.topic, run.partition, run.start, end)


def _dead_in_a_row(before: int, decoded: Decoded) -> int:
    """How many records in a row are poison at the end of this run; ConsumerStopped when it gets too many."""
    if not decoded.dead:
        return 0
    run, dead, row = decoded.run, decoded.dead, before
    for n in range(len(run.records)):
        row = row + 1 if n in dead else 0
        if row > DEAD_IN_A_ROW_MAX:
            raise ConsumerStopped(
                f"more than {DEAD_IN_A_ROW_MAX} records in a row of {run.topic}[{run.partition}] are poison, last at offset {run.offsets[n]}: "
                f"{dead[n]}. Producer and consumer disagree about the message: deploy the matching versions and start again; "
                f"what was set aside is shown by ./u2c dead-letters list."
            )
    return row


def _trace_of(run: Polled) -> str:
    """The trace id of the batch: that of its first record that has one. Headers are anybody's, and a trace id
    goes into rows and logs."""
    for record in run.records[:1]:
        for name, value in record.headers:
            if name == "trace" and TRACE.fullmatch(value):
                return value.decode()
    return ""
