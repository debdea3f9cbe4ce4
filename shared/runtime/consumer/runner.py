"""Runs a service's subscriptions: one transaction a batch, exactly once, whoever dies, sleeps or comes back.

What a transaction does is in `transaction.py`; which message is set aside, and when, in `blame.py`. Outages are
retried for ever, with back-off, and /readyz says so.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import product
from time import perf_counter
from typing import Generic, TypeVar

import structlog

from shared.bus import BusUnavailable, Polled, Subscription, metrics, positions
from shared.bus.batch_rows import OUTCOMES
from shared.bus.faults import DATABASE_FAULTS, LogFault
from shared.db.unit_of_work import OUTAGES
from shared.runtime.consumer.backoff import Backoff
from shared.runtime.consumer.batch import ConsumerContext, Subscribe
from shared.runtime.consumer.blame import Blame, may_be_the_message
from shared.runtime.consumer.flight import Flight, InFlight
from shared.runtime.consumer.lag import LagWatch
from shared.runtime.consumer.transaction import ConsumerStopped, PositionMoved, Transactions
from shared.runtime.pacing import Flow, rest_s
from shared.runtime.wake import News, Wake

C = TypeVar("C", bound=ConsumerContext)
log = structlog.get_logger()
POLL_TIMEOUT_S = 1.0
#: Records that make a round of transactions worth its price.
FULL_ROUND = 2000
WAITED_OUT: tuple[type[BaseException], ...] = (BusUnavailable, *OUTAGES)


@dataclass
class Consumer(Generic[C]):
    """One process's consumer of a group. `run` returns only when it must stop; `stopped_reason` says why (or
    what it waits for)."""

    context: C
    group: str
    subscriptions: Sequence[Subscribe[C]]
    #: For a topic that seldom says anything; None: see it at once.
    progress: News = field(default_factory=News)  # called when a transaction has committed
    _hurried: Wake = field(default_factory=Wake)
    _subscription: Subscription | None = None
    _flight: Flight | None = None
    _stopped: str | None = None

    def __post_init__(self) -> None:
        self.topics = [subscribe.topic.name for subscribe in self.subscriptions]
        self._by_topic = {subscribe.topic.name: subscribe for subscribe in self.subscriptions}
        self._transactions = Transactions(self.context, self.group, self.progress)
        self._blame = Blame(self._transactions)
        self._polls = Backoff(self.group)
        self._lag = LagWatch(self.context.bus, self.group, self.topics)

    @property
    def stopped_reason(self) -> str | None:
        in_flight = self._flight.reason if self._flight is not None else None
        return self._stopped or self._polls.reason or in_flight or self._lag.unanswered

    def hurry(self) -> None:
        """Look now, whatever the consumer would have rested: somebody waits for what lies there."""
        self._hurried.call()
        if self._subscription is not None:
            self._subscription.hurry()

    async def run(self) -> None:
        """Consume until cancelled or stopped."""
        if not self.subscriptions:
            return
        for topic, outcome in product(self.topics, OUTCOMES):
            # born at 0: of a series born at 1, no rule sees the first
            metrics.RECORDS.labels(self.group, topic, outcome)
        watching = asyncio.create_task(self._lag.run(), name="consumer-lag")
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
        self._subscription = subscription = await self.context.bus.subscribe(self.group, self.topics)
        self._flight = flight = Flight(self.group, self._handle_until_done)
        flow = Flow()
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
        took_s = self._transactions.took_s()
        if flows:
            await self._hurried.wait(rest_s(took_s, full=records >= FULL_ROUND))

    async def _poll(self, subscription: Subscription) -> list[Polled]:
        records_max = min(
            max(subscribe.records_max for subscribe in self.subscriptions),
            self.context.settings.consumer_batch_max,
        )
        while True:
            try:
                runs = await subscription.poll(records_max, POLL_TIMEOUT_S)
                self._polls.recovered()
                return runs
            except LogFault:
                raise
            except BusUnavailable as fault:
                await self._polls.wait_after(fault)
            except Exception as fault:
                log.exception("poll_failed", group=self.group)
                await self._polls.wait_after(fault)

    async def _handle_until_done(self, flying: InFlight) -> int | None:
        """Return None when the run is consumed, or the offset to continue from when another consumer was
        first."""
        run = flying.run
        while True:
            try:
                await self._blame.consume(self._by_topic[run.topic], flying, run)
                return None
            except PositionMoved:
                metrics.REFUSED.labels(self.group, run.topic).inc()
                return await self._committed(flying)
            except (LogFault, ConsumerStopped):
                raise
            except WAITED_OUT as caught:
                fault: BaseException = caught
            except Exception as caught:
                log.exception(
                    "handler_failed",
                    group=self.group,
                    topic=run.topic,
                    partition=run.partition,
                    start=run.start,
                    end=run.end,
                )
                flying.crashes += may_be_the_message(caught)
                fault = caught
            await flying.backoff.wait_after(fault)

    async def _committed(self, flying: InFlight) -> int:
        """Where the group stands in this run's partition."""
        run = flying.run
        while True:
            try:
                position = await positions.load(self.context.db.pool, self.group, run.topic, run.partition)
                return position.offset
            except DATABASE_FAULTS as fault:
                await flying.backoff.wait_after(fault)
