"""Waiting and trying again, each time for longer: of one run in flight, or of the polls."""

import asyncio
from dataclasses import dataclass, field

import structlog

log = structlog.get_logger()
BACKOFF_MIN_S, BACKOFF_MAX_S = 0.05, 5.0
FAILURES_BEFORE_UNREADY = 5


@dataclass
class Backoff:
    """How often in a row one thing has failed, and for what."""

    group: str
    failures: int = 0
    _waits: str | None = None
    _next_s: float = field(default_factory=lambda: BACKOFF_MIN_S)

    @property
    def reason(self) -> str | None:
        """What it waits for, once it has failed so often that a person should know."""
        return self._waits if self.failures >= FAILURES_BEFORE_UNREADY else None

    async def wait_after(self, fault: BaseException) -> None:
        """Note a failure, and wait twice as long as after the one before."""
        self.failures, self._waits = self.failures + 1, f"waits and tries again: {fault!r}"
        log.warning("consumer_waits", group=self.group, fault=repr(fault), backoff_s=self._next_s)
        await asyncio.sleep(self._next_s)
        self._next_s = min(self._next_s * 2, BACKOFF_MAX_S)

    def try_soon(self) -> None:
        """Begin with short waits again: it is something else now that is tried."""
        self._next_s = BACKOFF_MIN_S

    def recovered(self) -> None:
        self.failures, self._waits = 0, None
        self.try_soon()
