"""Something to wait for that may have happened already."""

import asyncio
import contextlib
from dataclasses import dataclass, field


@dataclass
class Wake:
    """For one waiter: look, and where there is nothing, wait. A call between the look and the wait ends the
    wait at once."""

    _called: asyncio.Event = field(default_factory=asyncio.Event)

    def call(self, *_told: object) -> None:
        self._called.set()

    async def wait(self, timeout_s: float) -> None:
        """Return when it was called since the last wait, or after `timeout_s`."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._called.wait(), timeout_s)
        self._called.clear()


@dataclass
class News:
    """That something happened here, for any number of waiters: each says what it had heard when it looked."""

    count: int = 0
    _next: asyncio.Event = field(default_factory=asyncio.Event)

    def call(self) -> None:
        self.count += 1
        told, self._next = self._next, asyncio.Event()
        told.set()

    async def wait(self, heard: int, timeout_s: float) -> bool:
        """Return when something has happened since `count` was `heard`, or after `timeout_s`; whether it
        has."""
        if self.count == heard:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._next.wait(), timeout_s)
        return self.count != heard
