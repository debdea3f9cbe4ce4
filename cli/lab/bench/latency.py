"""From accept to visible: real events of the load are followed until billing's API shows a draft whose watermark
covers them. Each is asked for at once, and then every quarter of a second; the database only tells which batch
holds it.

The same events are followed to signals: until it has the hour of their subject and meter, up to their time.
"""

import asyncio
import time
from collections.abc import Coroutine
from dataclasses import dataclass, field
from datetime import datetime

import asyncpg

from lab.bench.drafts import Billing, Watermark
from lab.bench.event_key import event_key
from lab.bench.workload import METERS, Request, contract_name

SAMPLE_EVERY_S = 0.2
ASK_EVERY_S = PLACE_EVERY_S = 0.25
PAGE_ROWS, PAGE_EVERY_S = 50, 0.5  # what somebody reads meanwhile
PLACES = """select k.key, e.partition, e.batch_id, e.type, e.time
            from rating.event_keys k join rating.events e on e.batch_id = k.batch_id and e.seq = k.seq
            where k.key = any($1::bytea[])"""
FOLDED = "select subject, meter, max(last_seen_at) as at from signals.activity where subject = any($1::text[]) group by 1, 2"
METER_OF = {meter["event_type"]: meter["meter"] for meter in METERS}


@dataclass
class Sample:
    """One event on its way. Times are of `time.monotonic()`; `shown` is what billing answered so far, and when."""

    key: bytes
    subject: str
    accepted_at: float
    partition: str = ""
    batch_id: int = 0  # 0: not metered yet
    shown: list[tuple[float, Watermark]] = field(default_factory=list)
    visible_at: float = 0.0
    meter: str = ""
    time: datetime | None = None
    evaluable_at: float = 0.0  # signals has it

    def look(self) -> None:
        """Find the first answer that covers it. An answer may have come before the database told of the batch."""
        if self.batch_id and not self.visible_at:
            covering = (at for at, shown in self.shown if shown.get(self.partition, 0) >= self.batch_id)
            self.visible_at = next(covering, 0.0)


@dataclass
class Watch:
    """Follows a few events a second, and reads two pages of drafts a second beside them."""

    auditor: asyncpg.Connection
    billing: Billing
    signals: bool  # whether it runs
    samples: list[Sample] = field(default_factory=list)
    pages_s: list[float] = field(default_factory=list)  # how long each page took
    _last_at: float = 0.0

    def heard(self, request: Request, at: float) -> None:
        """Take a sample of an accepted request, unless one was taken just before."""
        if request.sample_id and at - self._last_at >= SAMPLE_EVERY_S:
            self._last_at = at
            source, _, name = request.sample_id.partition(" ")
            sample = Sample(event_key(source, name), request.sample_subject, at)
            self.samples.append(sample)
            self._group.create_task(self._ask(sample))

    async def run(self) -> None:
        """Follow until cancelled. What cannot be asked ends it: a figure of half the samples is none."""
        async with asyncio.TaskGroup() as self._group:
            for work in (self._place_all(), self._read_pages()):
                self._start(work)

    async def until_all_seen(self, timeout_s: float) -> bool:
        """Whether every sample became visible within `timeout_s`."""
        deadline = time.monotonic() + timeout_s
        while time.monotonic() < deadline:
            if all(self.done(sample) for sample in self.samples):
                return True
            await asyncio.sleep(PLACE_EVERY_S)
        return False

    def done(self, sample: Sample) -> bool:
        return bool(sample.visible_at and (sample.evaluable_at or not self.signals))

    def latencies_s(self) -> list[float]:
        """Sorted."""
        return sorted(sample.visible_at - sample.accepted_at for sample in self.samples if sample.visible_at)

    def freshness_s(self) -> list[float]:
        """From accept until signals has it. Sorted."""
        return sorted(
            sample.evaluable_at - sample.accepted_at for sample in self.samples if sample.evaluable_at
        )

    def _start(self, work: Coroutine[None, None, None]) -> None:
        self._group.create_task(work)

    async def _ask(self, sample: Sample) -> None:
        """Ask billing at once, and every quarter of a second from then on until it covers the event."""
        contract, due = contract_name(sample.subject), time.monotonic()
        while not sample.visible_at:
            shown = await self.billing.newest(contract)
            sample.shown.append((time.monotonic(), shown))
            sample.look()
            due = max(due + ASK_EVERY_S, time.monotonic())
            await asyncio.sleep(due - time.monotonic())

    async def _read_pages(self) -> None:
        """Two pages of fifty drafts a second, round and round the list."""
        cursor: str | None = None
        while True:
            began = time.monotonic()
            page = await self.billing.page(cursor, PAGE_ROWS)
            took_s = time.monotonic() - began
            self.pages_s.append(took_s)
            cursor = page.next_cursor if page.has_more else None
            await asyncio.sleep(max(PAGE_EVERY_S - took_s, 0))

    async def _place_all(self) -> None:
        """Tell samples their batches, and whether signals have them."""
        while True:
            await self._place([sample for sample in self.samples if not sample.batch_id])
            await self._hear(
                [sample for sample in self.samples if sample.batch_id and not sample.evaluable_at]
            )
            await asyncio.sleep(PLACE_EVERY_S)

    async def _place(self, samples: list[Sample]) -> None:
        if not samples:
            return
        found = {
            row["key"]: row for row in await self.auditor.fetch(PLACES, [sample.key for sample in samples])
        }
        for sample in samples:
            if sample.key in found:
                row = found[sample.key]
                sample.partition, sample.batch_id = str(row["partition"]), row["batch_id"]
                sample.meter, sample.time = METER_OF[row["type"]], row["time"]
                sample.look()

    async def _hear(self, samples: list[Sample]) -> None:
        if not samples or not self.signals:
            return
        rows = await self.auditor.fetch(FOLDED, [sample.subject for sample in samples])
        newest = {(row["subject"], row["meter"]): row["at"] for row in rows}
        for sample in samples:
            at = newest.get((sample.subject, sample.meter))
            if at and sample.time and at >= sample.time:
                sample.evaluable_at = time.monotonic()


def quantile(values: list[float], share: float) -> float | None:
    """Of sorted values, by nearest rank; None when there are none."""
    return round(values[min(len(values) - 1, int(len(values) * share))], 3) if values else None
