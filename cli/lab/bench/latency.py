"""From accept to visible: real events of the load are followed until billing's API shows a draft whose
watermark covers them.

The same events are followed to signals: until the roll-ups its API reads have taken in the day of their
subject and meter, up to their time.
"""

import asyncio
import time
from dataclasses import dataclass, field
from datetime import datetime

import asyncpg
import httpx2
import msgspec

from lab.bench.event_key import event_key
from lab.bench.workload import METERS, Request, contract_name

SAMPLE_EVERY_S = 0.2
POLL_MIN_S, POLL_MAX_S = 0.02, 0.5
RESOLUTION = 50  # a wait is measured to a fiftieth of itself: asking has its price too
PLACED_AT_ONCE = 20
PLACES = """select k.key, e.partition, e.batch_id, e.type, e.time
            from rating.event_keys k join rating.events e on e.batch_id = k.batch_id and e.seq = k.seq
            where k.key = any($1::bytea[])"""
FOLDED = "select subject, meter, max(last_seen_at) as at from signals.activity where subject = any($1::text[]) and folded group by 1, 2"
METER_OF = {meter["event_type"]: meter["meter"] for meter in METERS}
WATERMARKS = """select distinct on (contract) contract, watermark::text from billing.documents
                where contract = any($1::text[]) and kind = 'invoice' order by contract, period_start desc"""


@dataclass
class Sample:
    """One event on its way. Times are of `time.monotonic()`."""

    key: bytes
    subject: str
    accepted_at: float
    partition: str = ""
    batch_id: int = 0  # 0: not metered yet
    visible_at: float = 0.0
    meter: str = ""
    time: datetime | None = None
    evaluable_at: float = 0.0  # signals has it

    @property
    def contract(self) -> str:
        return contract_name(self.subject)


@dataclass
class Watch:
    """Follows a few events a second. The database (as auditor) says when it is worth asking; only billing's
    answer counts."""

    auditor: asyncpg.Connection
    billing_url: str
    key: str
    signals: bool  # whether it runs
    samples: list[Sample] = field(default_factory=list)
    _last_at: float = 0.0

    def heard(self, request: Request, at: float) -> None:
        """Take a sample of an accepted request, unless one was taken just before."""
        if request.sample_id and at - self._last_at >= SAMPLE_EVERY_S:
            self._last_at = at
            source, _, name = request.sample_id.partition(" ")
            self.samples.append(Sample(event_key(source, name), request.sample_subject, at))

    async def run(self) -> None:
        """Follow until cancelled."""
        headers = {"Authorization": f"Bearer {self.key}"}
        async with httpx2.AsyncClient(
            base_url=self.billing_url, trust_env=False, timeout=30, headers=headers
        ) as self._http:
            while True:
                await self._place([sample for sample in self.samples if not sample.batch_id][:PLACED_AT_ONCE])
                await self._see(
                    [sample for sample in self.samples if sample.batch_id and not sample.visible_at]
                )
                await self._hear(
                    [sample for sample in self.samples if sample.batch_id and not sample.evaluable_at]
                )
                await asyncio.sleep(self._pause_s())

    async def until_all_seen(self, timeout_s: float) -> bool:
        """Whether every sample became visible within `timeout_s`."""
        deadline = time.monotonic() + timeout_s
        while time.monotonic() < deadline:
            if all(self.done(sample) for sample in self.samples):
                return True
            await asyncio.sleep(POLL_MIN_S)
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

    def _pause_s(self) -> float:
        oldest = next(
            (sample.accepted_at for sample in self.samples if not sample.visible_at), time.monotonic()
        )
        return min(max((time.monotonic() - oldest) / RESOLUTION, POLL_MIN_S), POLL_MAX_S)

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

    async def _see(self, samples: list[Sample]) -> None:
        if not samples:
            return
        rows = await self.auditor.fetch(WATERMARKS, [sample.contract for sample in samples])
        stored = {row["contract"]: msgspec.json.decode(row["watermark"]) for row in rows}
        likely = {
            sample.contract
            for sample in samples
            if stored.get(sample.contract, {}).get(sample.partition, 0) >= sample.batch_id
        }
        for contract in likely:
            shown = await self._shown(contract)
            for sample in samples:
                if sample.contract == contract and shown.get(sample.partition, 0) >= sample.batch_id:
                    sample.visible_at = time.monotonic()

    async def _hear(self, samples: list[Sample]) -> None:
        if not samples or not self.signals:
            return
        rows = await self.auditor.fetch(FOLDED, [sample.subject for sample in samples])
        newest = {(row["subject"], row["meter"]): row["at"] for row in rows}
        for sample in samples:
            at = newest.get((sample.subject, sample.meter))
            if at and sample.time and at >= sample.time:
                sample.evaluable_at = time.monotonic()

    async def _shown(self, contract: str) -> dict[str, int]:
        """The watermark of the newest draft, as billing's API tells it."""
        answer = await self._http.get("/v1/invoices", params={"contract": contract, "limit": 1})
        rows = msgspec.json.decode(answer.raise_for_status().content)["data"]
        watermark: dict[str, int] = rows[0]["statement"]["watermark"] if rows else {}
        return watermark


def quantile(values: list[float], share: float) -> float | None:
    """Of sorted values, by nearest rank; None when there are none."""
    return round(values[min(len(values) - 1, int(len(values) * share))], 3) if values else None
