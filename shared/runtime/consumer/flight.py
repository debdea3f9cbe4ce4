"""What a consumer has in flight: the round it works off, and the one it polled meanwhile."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from shared.bus import Polled
from shared.runtime.consumer.backoff import Backoff

#: Transactions in flight: one in Postgres while one is being built.
PARTITIONS_AT_ONCE = 2
Place = tuple[str, int]  # topic, partition


@dataclass(slots=True)
class Lane:
    """One partition: its run that was begun last, and what outlives a run."""

    last: asyncio.Task[None] | None = None
    elsewhere: int | None = None  # where it goes on, because another consumer was first
    #: Records set aside at the end of what is consumed.
    dead_in_a_row: int = 0


@dataclass(eq=False, slots=True)
class InFlight:
    """A run being handled, and how it has failed so far."""

    run: Polled
    lane: Lane
    backoff: Backoff
    #: Tries that ended in a fault which may be a message's own.
    crashes: int = 0


class Flight:
    """Runs being handled: in order within a partition, a few partitions at once, at most two rounds of
    polling."""

    def __init__(self, group: str, handle: Callable[[InFlight], Awaitable[int | None]]) -> None:
        self._group, self._handle = group, handle
        self._limit = asyncio.Semaphore(PARTITIONS_AT_ONCE)
        self._rounds: list[list[asyncio.Task[None]]] = []
        self._lanes: dict[Place, Lane] = {}
        self._flying: set[InFlight] = set()

    @property
    def reason(self) -> str | None:
        """What a run in flight waits for, once it has failed often."""
        return next((flying.backoff.reason for flying in self._flying if flying.backoff.reason), None)

    def start(self, runs: Sequence[Polled]) -> None:
        """Begin a round, each run after what is in flight of its partition."""
        begun = []
        for run in runs:
            lane = self._lanes.setdefault((run.topic, run.partition), Lane())
            flying = InFlight(run, lane, Backoff(self._group))
            lane.last = asyncio.create_task(self._follow(lane.last, flying))
            begun.append(lane.last)
        self._rounds.append(begun)

    async def land_round(self) -> bool:
        """Wait for the round before the newest; True when a partition has to go on elsewhere."""
        while len(self._rounds) > 1:
            await self._land(self._rounds.pop(0))
        return any(lane.elsewhere is not None for lane in self._lanes.values())

    async def land_all(self) -> dict[Place, int]:
        """Wait for everything; return the positions to seek."""
        while self._rounds:
            await self._land(self._rounds.pop(0))
        elsewhere = {
            place: lane.elsewhere for place, lane in self._lanes.items() if lane.elsewhere is not None
        }
        for lane in self._lanes.values():
            lane.last = lane.elsewhere = None
        return elsewhere

    async def abort(self) -> None:
        tasks = {task for begun in self._rounds for task in begun}
        tasks |= {lane.last for lane in self._lanes.values() if lane.last is not None}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _follow(self, before: asyncio.Task[None] | None, flying: InFlight) -> None:
        if before is not None:
            await asyncio.wait([before])
            if before.cancelled() or before.exception() is not None:
                # The consumer stops, or tries the round again: nothing may overtake.
                return
        if flying.lane.elsewhere is not None:
            return
        async with self._limit:
            self._flying.add(flying)
            try:
                flying.lane.elsewhere = await self._handle(flying)
            finally:
                self._flying.discard(flying)

    async def _land(self, begun: list[asyncio.Task[None]]) -> None:
        for task in begun:
            await task
