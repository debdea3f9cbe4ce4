"""One benchmark: set up, write the bodies, fill, warm up, measure, check the books, measure the bare
machine."""

import os
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from lab.bench import books
from lab.bench.bare import BareMachine, BareRates, bare_rates
from lab.bench.bodies import written
from lab.bench.causes import statements_by_cause
from lab.bench.checkout import Checkout, DrivenDeployment, driven
from lab.bench.deployment import Deployment, deployment
from lab.bench.drafts import Reading, uncovered
from lab.bench.figures import Closing, Costs, Figures, Latencies, Load
from lab.bench.footprint import Footprint, footprint
from lab.bench.latency import Watch
from lab.bench.progress import newest_batch, until_activity_told
from lab.bench.scene import Scene, beside, connected, scene
from lab.bench.sender import Heard, Sent, unheard
from lab.bench.spent import CLIENT, Spending, Spent
from lab.bench.statement_groups import Groups, logged
from lab.bench.workload import LATE_BY_S, Bodies, BodiesPlan
from shared.postgres.setup import SERVICES

WARM_UP_RATE = 30_000
WRITE_S_PER_EVENT = 8e-6  # so long the writer takes, roughly: the events' times begin after it
SAMPLES_TIMEOUT_S = 60.0


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
    statement_groups: bool = False  # have the server say what each statement costs, which costs a tenth
    warm_up_s: float = 10.0
    balances: bool = False  # a commitment and a block on each contract

    @property
    def services(self) -> tuple[str, ...]:
        return SERVICES if self.signals else tuple(name for name in SERVICES if name != "signals")


class BooksBroken(Exception):
    """The books do not hold, so there is no figure. `args` are the faults."""


@dataclass(frozen=True)
class _Standing:
    """How things stand at one moment: unique events stored, the newest batch, revisions priced, and the disk."""

    stored: int
    batch: int
    statements: dict[str, int]
    disk: Footprint


@dataclass(frozen=True)
class _Seen:
    """What was seen of the load that is measured: `seconds` from its first event until every draft was read and
    covered its customer's last. `load`: what was spent until all was folded, `closing`: from then on."""

    sent: Sent
    seconds: float
    reading: Reading
    load: Spent
    closing: Spent
    watch: Watch
    spending: Spending
    groups: Groups | None
    all_visible: bool


@dataclass
class Bench:
    """A run over a deployment that is up."""

    wanted: Wanted
    scene: Scene
    say: Callable[[str], None]
    _number: int = 0
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
        await self.scene.read_drafts()
        return await self._figures(bodies)

    async def _set_up(self) -> None:
        """Meters, customers and contracts through the API; each contract has its draft then."""
        self.say(f"creating {self.wanted.customers:,} customers and contracts …")
        since = (datetime.now(UTC) - timedelta(seconds=LATE_BY_S)).date().replace(day=1)
        await self.scene.populate(self.wanted.customers, lambda _number: since, balances=self.wanted.balances)

    async def _fill(self) -> None:
        """Store events first, over the days of this month, so that what is measured meets a grown
        database."""
        if self.wanted.stored:
            self.say(f"storing {self.wanted.stored:,} events first …")
            since = datetime.now(UTC).replace(day=1, hour=0, minute=0, second=0).timestamp()
            await self._load(
                await self._bodies("fill", self.wanted.stored, 0.0, from_s=since), 0.0, float("inf")
            )
            await self.scene.read_drafts()
            await until_activity_told(self.scene.auditor)

    async def _bodies(self, name: str, events: int, seconds: float, from_s: float | None = None) -> Bodies:
        """Have another process write the bodies, their times spread over the run that is to come."""
        self._number += 1
        self.say(f"writing {events:,} bodies ({name}) …")
        start = time.time() + events * WRITE_S_PER_EVENT
        plan = BodiesPlan(
            str(self.scene.deployed.folder / f"{name}.bodies"),
            str(self.scene.deployed.folder / f"{name}.index"),
            events,
            self.wanted.customers,
            self._number,
            start if from_s is None else from_s,
            start + seconds,
        )
        return await written(plan)

    async def _load(self, bodies: Bodies, rate: float, seconds_max: float, heard: Heard = unheard) -> Sent:
        """Send, and wait until everything is folded."""
        sent = await self.scene.send(bodies, rate, seconds_max, heard)
        await self.scene.until_folded()
        return sent

    async def _figures(self, bodies: Bodies) -> Figures:
        self.say(f"measuring {self.wanted.seconds:.0f} s …")
        before = await self._standing()
        seen = await self._measured(bodies)
        after = await self._standing()
        await self._check(before, seen)
        bare = await self._bare(bodies) if self.wanted.bare else None
        events, watch = seen.sent.unique, seen.watch
        rate = events / seen.seconds
        revisions = {
            cause: count - before.statements.get(cause, 0) for cause, count in after.statements.items()
        }
        return Figures(
            bus=self.wanted.bus,
            customers=self.wanted.customers,
            stored_before=before.stored,
            events_per_s=round(rate, 1),
            load=Load.of(seen.sent, self.wanted.rate, seen.seconds),
            closing=Closing.of(seen.reading, seen.closing),
            latencies=Latencies.of(watch),
            statements_per_event={cause: round(count / events, 5) for cause, count in revisions.items()},
            costs=Costs.of(seen.load, seen.spending, events),
            bytes_per_event=after.disk.per_event(before.disk, events),
            tables_per_event=after.disk.tables_per_event(before.disk, events),
            statement_groups=seen.groups.per_event(events) if seen.groups else [],
            ratio_to_bare=round(bare.ratio(rate), 4) if bare else None,
            bare=bare,
            setup_s=round(self._times["setup"], 1),
            checks_s=round(self._times["checks"], 1),
        )

    async def _standing(self) -> _Standing:
        return _Standing(
            self.scene.unique,
            await newest_batch(self.scene.auditor),
            await statements_by_cause(self.scene.deployed.cluster.urls["rating"], self.scene.auditor),
            await footprint(self.scene.admin, self.scene.unique),
        )

    async def _measured(self, bodies: Bodies) -> _Seen:
        """Send and follow; then read every draft."""
        wanted = self.wanted
        async with AsyncExitStack() as left:
            following = await connected(self.scene.deployed.cluster.role_url("u2c_auditor"), left)
            watch = Watch(following, self.scene.billing, wanted.signals)
            groups = await left.enter_async_context(self._groups()) if wanted.statement_groups else None
            spending = Spending({**self.scene.deployed.pids(), CLIENT: os.getpid()}, self.scene.admin)
            await spending.begin()
            await left.enter_async_context(beside(watch.run(), spending.watch()))
            sent = await self._load(bodies, wanted.rate, wanted.seconds, watch.heard)
            load = await spending.so_far()
            reading = await self.scene.read_drafts()
            seconds = time.monotonic() - sent.first_at
            closing = (await spending.so_far()).after(load)
            all_visible = await watch.until_all_seen(SAMPLES_TIMEOUT_S)
        return _Seen(sent, seconds, reading, load, closing, watch, spending, groups, all_visible)

    def _groups(self) -> AbstractAsyncContextManager[Groups]:
        """The statement groups of what happens in the block."""
        server = self.scene.deployed.cluster.postgres if isinstance(self.scene.deployed, Deployment) else None
        assert server is not None, "only a server of this process' own tells what its statements cost"
        return logged(self.scene.admin, server.log)

    async def _check(self, before: _Standing, seen: _Seen) -> None:
        """Raise BooksBroken unless the books hold and every draft, as it was read, covers what was sent."""
        self.say("checking the books …")
        began = time.monotonic()
        faults = await books.faults(
            self.scene.auditor, await self.scene.deployed.breaks(self.scene.auditor), self.scene.unique
        )
        last = await books.last_batches(self.scene.auditor, before.batch)
        faults += [
            f"the draft of {contract} does not cover its customer's usage"
            for contract in uncovered(seen.reading.covered, last)
        ]
        if not seen.all_visible:
            missing = sum(not seen.watch.done(sample) for sample in seen.watch.samples)
            faults.append(f"{missing} watched events never became visible")
        if faults:
            raise BooksBroken(*faults)
        self._times["checks"] = time.monotonic() - began

    async def _bare(self, bodies: Bodies) -> BareRates:
        cluster, pids = self.scene.deployed.cluster, self.scene.deployed.pids()
        self.say("measuring the bare machine …")
        for service in cluster.processes:
            cluster.pause(service)  # they must not take part in the bare rates
        servers = {name: pid for name, pid in pids.items() if name not in cluster.processes}
        machine = BareMachine(
            cluster.role_url("rating"),
            cluster.database_url,
            self.scene.deployed.brokers,
            {**servers, CLIENT: os.getpid()},
        )
        try:
            return await bare_rates(bodies, machine)
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
    async with scene(deploying) as found:
        yield Bench(wanted, found, say)
