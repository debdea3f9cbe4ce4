"""Group commit: while one flush is in flight, the next gathers. One slow disk write then serves every caller
that waited."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field

from shared.bus import Record, RecordsRefused

#: Of one flush; a single larger call goes alone.
RECORDS_MAX = 20_000


@dataclass(slots=True)
class _Waiting:
    topic: str
    records: Sequence[Record]
    stored: asyncio.Future[None]


@dataclass
class GroupCommit:
    """Gathers concurrent publishes into flushes, one at a time, in order of arrival."""

    flush: Callable[[Mapping[str, list[Record]]], Awaitable[None]]
    records_max: int = RECORDS_MAX
    _waiting: deque[_Waiting] = field(default_factory=deque)
    _task: asyncio.Task[None] | None = None

    async def add(self, topic: str, records: Sequence[Record]) -> None:
        """Return when a flush that held all `records` succeeded; raise what it raised."""
        if not records:
            return
        entry = _Waiting(topic, records, asyncio.get_running_loop().create_future())
        self._waiting.append(entry)
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._run(), name="group-commit")
        await entry.stored

    async def stop(self) -> None:
        """Wait until what was added is flushed or has failed."""
        if self._task is not None:
            await asyncio.gather(self._task, return_exceptions=True)

    async def _run(self) -> None:
        while self._waiting:
            entries = self._gather()
            try:
                await self._flush(entries)
            except BaseException as fault:
                _settle([*entries, *self._waiting], fault)
                raise

    async def _flush(self, entries: list[_Waiting]) -> None:
        """Settle each entry by what became of its flush. A refusal is one caller's: then each is flushed
        alone, in order."""
        try:
            await self.flush(_by_topic(entries))
        except RecordsRefused as fault:
            if len(entries) == 1:
                return _settle(entries, fault)
            for entry in entries:
                await self._flush([entry])
        except Exception as fault:
            _settle(entries, fault)
        else:
            _settle(entries, None)

    def _gather(self) -> list[_Waiting]:
        entries, records = [self._waiting.popleft()], 0
        records = len(entries[0].records)
        while self._waiting and records + len(self._waiting[0].records) <= self.records_max:
            entries.append(self._waiting.popleft())
            records += len(entries[-1].records)
        return entries


def _by_topic(entries: list[_Waiting]) -> dict[str, list[Record]]:
    topics: dict[str, list[Record]] = {}
    for entry in entries:
        topics.setdefault(entry.topic, []).extend(entry.records)
    return topics


def _settle(entries: list[_Waiting], fault: BaseException | None) -> None:
    for entry in entries:
        if entry.stored.done():  # its caller was cancelled meanwhile
            continue
        if fault is None:
            entry.stored.set_result(None)
        else:
            entry.stored.set_exception(fault if isinstance(fault, Exception) else asyncio.CancelledError())
