"""What a stretch of time cost: CPU of every process, and of the server's by the role they serve."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass

import asyncpg

from lab.bench.backends import Backends
from lab.bench.machine import POSTGRES, Processes

CLIENT = "client"  # this process: the load, and whoever follows and reads it
OTHER = "other"  # the server's processes that came and went unseen


@dataclass(frozen=True)
class Spent:
    """CPU seconds by process, `client` included, and of the server's by role or kind."""

    cpu_s: Mapping[str, float]
    postgres_s: Mapping[str, float]

    @property
    def product_s(self) -> float:
        """All processes but the benchmark's own."""
        return sum(seconds for name, seconds in self.cpu_s.items() if name != CLIENT)

    def after(self, before: "Spent") -> "Spent":
        """What was spent since."""
        return Spent(_less(self.cpu_s, before.cpu_s), _less(self.postgres_s, before.postgres_s))

    def by_role(self) -> dict[str, float]:
        """The server's seconds by role or kind, with what no look saw, most first."""
        other = self.cpu_s.get(POSTGRES, 0.0) - sum(self.postgres_s.values())
        return {**dict(sorted(self.postgres_s.items(), key=lambda item: -item[1])), OTHER: other}


class Spending:
    """What these processes spend from `begin` on. `pids`: name → process."""

    def __init__(self, pids: Mapping[str, int], admin: asyncpg.Connection) -> None:
        self.processes = Processes(pids)
        self.backends = Backends(admin)

    async def begin(self) -> None:
        await self.backends.begin()
        self.processes.begin()

    async def watch(self) -> None:
        """Sample memory and backends until cancelled."""
        await asyncio.gather(self.processes.watch(), self.backends.watch())

    async def so_far(self) -> Spent:
        await self.backends.look()
        return Spent(self.processes.cpu_s(), self.backends.cpu_s())


def _less(now: Mapping[str, float], before: Mapping[str, float]) -> dict[str, float]:
    return {name: seconds - before.get(name, 0.0) for name, seconds in now.items()}
