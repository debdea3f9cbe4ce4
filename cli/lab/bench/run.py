"""One benchmark: set up, write the bodies, fill, warm up, measure, check the books, measure the bare
machine."""

import asyncio
import os
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import asyncpg
import msgspec

from lab.bench import books
from lab.bench.bare import BareRates, bare_rates
from lab.bench.checkout import Checkout, DrivenDeployment, driven
from lab.bench.deployment import Deployment, deployment
from lab.bench.figures import Figures
from lab.bench.footprint import footprint
from lab.bench.latency import Watch, quantile
from lab.bench.machine import Processes
from lab.bench.progress import heard_statements, newest_batch, until_activity_told, until_visible
from lab.bench.sender import Heard, Load, Sent, post_all, unheard
from lab.bench.workload import (
    LATE_BY_S,
    METERS,
    Bodies,
    BodiesPlan,
    Request,
    contract_document,
    customer_document,
)
from shared.postgres.setup import SERVICES

WARM_UP_RATE = 30_000
WRITE_S_PER_EVENT = 8e-6  # so long the writer takes, roughly: the events' times begin after it
SAMPLES_TIMEOUT_S = 60.0
CLIENT = "client"  # this process: the load and whoever follows it


@dataclass(frozen=True)
class Wanted:
    """What to measure. `rate` 0: as fast as the door takes it."""

    bus: str
    seconds: float
    events: int
    customers: int
    rate: float
    stored: int
    signals: bool = True
    bare: bool = True  # measure the bare machine too
    warm_up_s: float = 10.0

    @property
    def services(self) -> tuple[str, ...]:
        return SERVICES if self.signals else tuple(name for name in SERVICES if name != "signals")


class BooksBroken(Exception):
    """The books do not hold, so there is no figure. `args` are the faults."""


@dataclass(frozen=True)
class _Seen:
    """What was seen of the load that is measured: `seconds` from its first event to the last draft."""

    sent: Sent
    seconds: float
    stored_before: int
    watch: Watch
    processes: Processes
    cpu_s: dict[str, float]
    disk: dict[str, int]


@dataclass
class Bench:
    """A run over a deployment that is up."""

    wanted: Wanted
    deployed: Deployment | DrivenDeployment
    admin: asyncpg.Connection
    auditor: asyncpg.Connection
    say: Callable[[str], None]
    unique: int = 0  # acknowledged, over all loads
    messages: int = 0  # published to usage.events, over all loads
    _number: int = 0
    _statements: int = 0  # revisions billing took while it was measured
    _times: dict[str, float] = field(default_factory=dict)

    async def run(self) -> Figures:
        began = time.monotonic()
        await self._set_up()
        self._times["setup"] = time.monotonic() - began
        await self._fill()
        warm_up_s = self.wanted.warm_up_s
        warm_up = await self._bodies(
            "warm-up", int(min(self.wanted.rate or WARM_UP_RATE, WARM_UP_RATE) * warm_up_s), warm_up_s
        )
        bodies = await self._bodies("load", self.wanted.events, self.wanted.seconds)
        self.say(f"warming up for {warm_up_s:.0f} s …")
        await self._load(warm_up, self.wanted.rate, warm_up_s)
        return await self._measured(bodies)

    async def _set_up(self) -> None:
        """Meters, customers and contracts through the API, then wait until each contract has its draft."""
        cluster, wanted = self.deployed.cluster, self.wanted
        start = (datetime.now(UTC) - timedelta(seconds=LATE_BY_S)).date().replace(day=1)
        self.say(f"creating {wanted.customers:,} customers and contracts …")
        numbers = range(wanted.customers)
        for path, documents in (
            ("/v1/meters", list(METERS)),
            ("/v1/customers", [customer_document(n) for n in numbers]),
            ("/v1/contracts", [contract_document(n, start) for n in numbers]),
        ):
            await post_all(cluster.urls["rating"], cluster.admin_key, path, documents)
        await until_visible(self.auditor, 0, wanted.customers)

    async def _fill(self) -> None:
        """Store events first, over the days of this month, so that what is measured meets a grown
        database."""
        if self.wanted.stored:
            self.say(f"storing {self.wanted.stored:,} events first …")
            since = datetime.now(UTC).replace(day=1, hour=0, minute=0, second=0).timestamp()
            await self._load(
                await self._bodies("fill", self.wanted.stored, 0.0, from_s=since), 0.0, float("inf")
            )
            await until_activity_told(self.auditor)

    async def _bodies(self, name: str, events: int, seconds: float, from_s: float | None = None) -> Bodies:
        """Have another process write the bodies, their times spread over the run that is to come."""
        self._number += 1
        self.say(f"writing {events:,} bodies ({name}) …")
        file, index = (self.deployed.folder / f"{name}.{kind}" for kind in ("bodies", "index"))
        start = time.time() + events * WRITE_S_PER_EVENT
        plan = BodiesPlan(
            str(file),
            str(index),
            events,
            self.wanted.customers,
            self._number,
            start if from_s is None else from_s,
            start + seconds,
        )
        writer = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "lab.bench.bodies", stdin=asyncio.subprocess.PIPE
        )
        await writer.communicate(msgspec.json.encode(plan))
        assert writer.returncode == 0, "the writer of the bodies failed"
        return _read_bodies(file, index)

    async def _load(self, bodies: Bodies, rate: float, seconds_max: float, heard: Heard = unheard) -> Sent:
        """Send, and wait until everything stands in the drafts."""
        cluster = self.deployed.cluster
        load = Load(cluster.urls["usage_ingest"], cluster.admin_key, bodies, rate, seconds_max, heard)
        sent = await load.run()
        assert sent.published == sent.messages, (
            f"{sent.messages - sent.published} messages were not published, {sent.quarantined} quarantined"
        )
        self.unique += sent.unique
        self.messages += sent.published
        self._times["visible"] = await until_visible(self.auditor, self.messages, self.wanted.customers)
        return sent

    async def _measured(self, bodies: Bodies) -> Figures:
        self.say(f"measuring {self.wanted.seconds:.0f} s …")
        stored_before, batch_before, disk_before = (
            self.unique,
            await newest_batch(self.auditor),
            await footprint(self.admin),
        )
        heard_before = await heard_statements(self.auditor)
        cluster = self.deployed.cluster
        watch = Watch(
            await asyncpg.connect(cluster.role_url("u2c_auditor")),
            cluster.urls["billing"],
            cluster.admin_key,
            self.wanted.signals,
        )
        processes = Processes({**self.deployed.pids(), CLIENT: os.getpid()})
        followers = [
            asyncio.create_task(watch.run(), name="watch"),
            asyncio.create_task(processes.watch(), name="memory"),
        ]
        try:
            sent = await self._load(bodies, self.wanted.rate, self.wanted.seconds, watch.heard)
            cpu_s, visible_at = processes.cpu_s(), self._times["visible"]
            self._statements = await heard_statements(self.auditor) - heard_before
            seen = await watch.until_all_seen(SAMPLES_TIMEOUT_S)
        finally:
            for follower in followers:
                follower.cancel()
            await asyncio.gather(*followers, return_exceptions=True)
        disk = (await footprint(self.admin)).per_event(disk_before, sent.unique)
        await self._check(batch_before, watch, seen)
        seconds = max([visible_at, *(sample.visible_at for sample in watch.samples)]) - sent.first_at
        bare = await self._bare(bodies) if self.wanted.bare else None
        return self._figures(_Seen(sent, seconds, stored_before, watch, processes, cpu_s, disk), bare)

    async def _check(self, batch_before: int, watch: Watch, seen: bool) -> None:
        """Raise BooksBroken unless the books hold and every draft covers what was sent."""
        self.say("checking the books …")
        began = time.monotonic()
        cluster = self.deployed.cluster
        faults = await books.faults(self.auditor, await self.deployed.breaks(self.auditor), self.unique)
        bare = await books.uncovered(self.auditor, cluster.urls["billing"], cluster.admin_key, batch_before)
        faults += [f"the draft of {contract} does not cover its customer's usage" for contract in bare]
        if not seen:
            faults.append(
                f"{sum(not watch.done(sample) for sample in watch.samples)} watched events never became visible"
            )
        if faults:
            raise BooksBroken(*faults)
        self._times["checks"] = time.monotonic() - began

    def _figures(self, seen: _Seen, bare: BareRates | None) -> Figures:
        sent, watch = seen.sent, seen.watch
        latencies, rate = watch.latencies_s(), sent.unique / seen.seconds
        return Figures(
            bus=self.wanted.bus,
            events_per_s=round(rate, 1),
            sent_per_s=round(sent.messages / sent.send_s, 1),
            seconds=round(seen.seconds, 2),
            unique_events=sent.unique,
            statements_per_s=round(self._statements / seen.seconds, 1),
            customers=self.wanted.customers,
            stored_before=seen.stored_before,
            rate=self.wanted.rate,
            behind_s=round(sent.late_s, 2),
            latency_p50_s=quantile(latencies, 0.5),
            latency_p99_s=quantile(latencies, 0.99),
            latency_max_s=quantile(latencies, 1.0),
            samples=len(latencies),
            freshness_p50_s=quantile(watch.freshness_s(), 0.5),
            freshness_p99_s=quantile(watch.freshness_s(), 0.99),
            ratio_to_bare=round(bare.ratio(rate), 4) if bare else None,
            bare=bare,
            cpu_s=seen.cpu_s,
            cpu_us_per_event=round(sum(seen.cpu_s.values()) / sent.unique * 1e6, 2),
            peak_rss_mb=seen.processes.peak_rss_mb(),
            rss_growth_mb_per_min=seen.processes.growth_mb_per_min(),
            bytes_per_event=seen.disk,
            setup_s=round(self._times["setup"], 1),
            checks_s=round(self._times["checks"], 1),
        )

    async def _bare(self, bodies: Bodies) -> BareRates:
        cluster = self.deployed.cluster
        self.say("measuring the bare machine …")
        for service in cluster.processes:
            cluster.pause(service)  # they must not take part in the bare rates
        try:
            return await bare_rates(
                bodies, cluster.role_url("rating"), cluster.database_url, self.deployed.brokers
            )
        finally:
            for service in cluster.processes:
                cluster.resume(service)


@asynccontextmanager
async def bench(
    wanted: Wanted, say: Callable[[str], None], checkout: Checkout | None = None
) -> AsyncIterator[Bench]:
    """A benchmark whose deployment runs inside the block: this process' own, or one that a checkout starts
    itself."""
    say("starting …")
    deploying: AbstractAsyncContextManager[Deployment | DrivenDeployment] = (
        driven(checkout, wanted.bus, "bench")
        if checkout
        else deployment(wanted.bus, "bench", services=wanted.services)
    )
    async with deploying as deployed:
        admin = await asyncpg.connect(deployed.cluster.database_url)
        auditor = await asyncpg.connect(deployed.cluster.role_url("u2c_auditor"), command_timeout=600)
        await auditor.execute("set timezone = 'UTC'")
        try:
            yield Bench(wanted, deployed, admin, auditor, say)
        finally:
            await auditor.close()
            await admin.close()


def _read_bodies(file: Path, index: Path) -> Bodies:
    return Bodies(file, tuple(msgspec.msgpack.decode(index.read_bytes(), type=list[Request])))
