"""What a consumer has in flight: the round it works off, and the one it polled meanwhile."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from shared.bus import Polled

PARTITIONS_AT_ONCE = 2  # transactions in flight: one in Postgres while one is being built


class Flight:
    """Runs being handled: in order within a partition, a few partitions at once, at most two rounds of
    polling."""

    def __init__(self, handle: Callable[[Polled], Awaitable[int | None]]) -> None:
        self._handle, self._limit = handle, asyncio.Semaphore(PARTITIONS_AT_ONCE)
        self._rounds: list[list[asyncio.Task[None]]] = []
        self._last: dict[tuple[str, int], asyncio.Task[None]] = {}
        self._elsewhere: dict[
            tuple[str, int], int
        ] = {}  # where a partition goes on, because another consumer was first

    def start(self, runs: Sequence[Polled]) -> None:
        """Begin a round, each run after what is in flight of its partition."""
        begun = []
        for run in runs:
            place = (run.topic, run.partition)
            self._last[place] = asyncio.create_task(self._follow(self._last.get(place), run))
            begun.append(self._last[place])
        self._rounds.append(begun)

    async def land_round(self) -> bool:
        """Wait for the round before the newest; True when a partition has to go on elsewhere."""
        while len(self._rounds) > 1:
            await self._land(self._rounds.pop(0))
        return bool(self._elsewhere)

    async def land_all(self) -> dict[tuple[str, int], int]:
        """Wait for everything; return the positions to seek."""
        while self._rounds:
            await self._land(self._rounds.pop(0))
        self._last.clear()
        elsewhere, self._elsewhere = self._elsewhere, {}
        return elsewhere

    async def abort(self) -> None:
        tasks = {task for begun in self._rounds for task in begun} | set(self._last.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _follow(self, before: asyncio.Task[None] | None, run: Polled) -> None:
        place = (run.topic, run.partition)
        if before is not None:
            await asyncio.wait([before])
            if before.cancelled() or before.exception() is not None:
                return  # the consumer stops, or tries the round again: nothing may overtake
        if place in self._elsewhere:
            return
        async with self._limit:
            position = await self._handle(run)
        if position is not None:
            self._elsewhere[place] = position

    async def _land(self, begun: list[asyncio.Task[None]]) -> None:
        for task in begun:
            await task
