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
