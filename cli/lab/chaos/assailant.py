"""Does the faults, one after the other, each while its target has work left, and sees whether everything
recovers by itself."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import httpx2

from lab.bench.deployment import Deployment
from lab.chaos.faults import Fault, Kind, Strike
from lab.chaos.lag import Lag

LOOK_S = 0.005
RECOVERY_MAX_S = 90.0
PAUSE_S = 3.0  # twice the session time-out: whoever is stopped has lost its partitions
STORM_S = 1.0


class NotRecovered(Exception):
    """Something did not come back by itself."""


class NotReached(Exception):
    """A service did not come by its fail-point often enough, so nothing is shown for it."""


@dataclass
class Assailant:
    """Works through `faults`; what is left in it when the month is over is for the next month."""

    deployed: Deployment
    faults: list[Fault]
    lag: Lag
    say: Callable[[str], None]
    strikes: list[Strike] = field(default_factory=list)
    _hungry: asyncio.Event = field(default_factory=asyncio.Event)  # set while it waits for load
    _over: bool = False

    async def run(self) -> None:
        """Strike until nothing is left to do; then never hold up the load again."""
        while self.faults and not self._over:
            fault = self.faults[0]
            if not (lag := await self._wait_for_work(fault)):
                break
            self.strikes.append(await self._strike(fault, lag))
            self.faults.pop(0)
            if len(self.strikes) % 10 == 0:
                self.say(f"  {len(self.strikes)} faults done, {len(self.faults)} to go")
        self._hungry.set()

    async def wait_for_hunger(self) -> None:
        """Return when more load is wanted: at once, unless it is busy with a fault."""
        await self._hungry.wait()

    def stop(self) -> None:
        """The load has ended: begin nothing new."""
        self._over = True

    async def arm(self, fault: Fault) -> None:
        """Let a service die at its fail-point so often, whenever it gets there; then disarm it."""
        cluster, deaths = self.deployed.cluster, 0
        await cluster.restart(fault.target, {"U2C_FAILPOINT": fault.point})
        process = cluster.processes[fault.target]
        starts = process.starts
        while deaths < fault.deaths and not self._over:
            await asyncio.sleep(LOOK_S)
            if process.starts > starts + deaths:
                deaths += 1
                self.strikes.append(Strike(fault, await self.lag.of(fault.target), None))
        await cluster.restart(fault.target, {"U2C_FAILPOINT": ""})
        if deaths < fault.deaths:
            raise NotReached(f"{fault.target} died {deaths} of {fault.deaths} times at {fault.point}")

    async def all_ready(self) -> float:
        """Seconds until every instance answers /readyz with 200. NotRecovered when that takes too long."""
        began, told = time.monotonic(), ""
        async with httpx2.AsyncClient(trust_env=False, timeout=2) as http:
            for name in list(self.deployed.cluster.processes):
                while (told := await self._told(http, name)) != "ready":
                    if time.monotonic() - began > RECOVERY_MAX_S:
                        raise NotRecovered(f"{name} was not ready after {RECOVERY_MAX_S:.0f} s: {told[:300]}")
                    await asyncio.sleep(0.02)
        return time.monotonic() - began

    async def _told(self, http: httpx2.AsyncClient, name: str) -> str:
        try:
            answer = await http.get(f"{self.deployed.cluster.urls[name]}/readyz")
        except httpx2.TransportError as fault:
            return repr(fault)
        return "ready" if answer.status_code == 200 else answer.text

    async def _wait_for_work(self, fault: Fault) -> int:
        """Let the load flow until the target has something to lose; 0 when the load has ended."""
        self._hungry.set()
        try:
            while not self._over:
                if (fault.kind is Kind.KILL_POSTGRES or self._alive(fault.target)) and (
                    lag := await self.lag.of(fault.target)
                ):
                    return lag
                await asyncio.sleep(LOOK_S)
            return 0
        finally:
            self._hungry.clear()

    def _alive(self, target: str) -> bool:
        process = self.deployed.cluster.processes.get(target)
        return process is None or process.alive

    async def _strike(self, fault: Fault, lag: int) -> Strike:
        cluster, broker = self.deployed.cluster, self.deployed.broker
        if fault.kind is Kind.KILL_SERVICE:
            cluster.kill(fault.target)
        elif fault.kind is Kind.KILL_POSTGRES:
            await cluster.kill_postgres()
        elif fault.kind is Kind.KILL_KAFKA:
            assert broker is not None, "this deployment has no broker"
            await asyncio.to_thread(broker.kill)
            await asyncio.to_thread(broker.start)
        elif fault.kind is Kind.PAUSE:
            cluster.pause(fault.target)
            await asyncio.sleep(PAUSE_S)
            cluster.resume(fault.target)
        elif fault.kind is Kind.REJOIN:
            await cluster.restart(fault.target)
        if not fault.calm:
            await asyncio.sleep(STORM_S)
            return Strike(fault, lag, None)
        await asyncio.sleep(0.1)  # the watcher must have seen it
        return Strike(fault, lag, await self.all_ready())
