"""What each of the server's processes uses, by its own times: backends by the role they serve, the others by what
they are.

A process that came and went between two looks is in none of them; the whole server's time counts it.
"""

import asyncio
from dataclasses import dataclass, field
from pathlib import Path

import asyncpg

LOOK_EVERY_S = 1.0
BENCH = "u2c-bench"  # how the benchmark names its own connections
KINDS = """
    select pid, case when application_name = $1 then 'bench'
        when backend_type = 'client backend' then coalesce(replace(usename, 'u2c_', ''), 'unnamed')
        else backend_type end as kind
    from pg_stat_activity where pid is not null
"""


@dataclass
class Backends:
    """CPU of the server's processes since `begin`."""

    admin: asyncpg.Connection
    _kinds: dict[int, str] = field(default_factory=dict)
    _first: dict[int, float] = field(default_factory=dict)
    _last: dict[int, float] = field(default_factory=dict)
    _one_look: asyncio.Lock = field(
        default_factory=asyncio.Lock
    )  # the connection is asked one thing at a time

    async def begin(self) -> None:
        """What runs now begins at what it has used so far; what comes later at nothing."""
        await self.look()
        self._first = dict(self._last)

    async def watch(self, every_s: float = LOOK_EVERY_S) -> None:
        """Look every so many seconds until cancelled."""
        while True:
            await self.look()
            await asyncio.sleep(every_s)

    async def look(self) -> None:
        async with self._one_look:
            rows = await self.admin.fetch(KINDS, BENCH)
        for row in rows:
            used_s = _used_s(row["pid"])
            if used_s is not None:
                self._kinds[row["pid"]], self._last[row["pid"]] = row["kind"], used_s

    def cpu_s(self) -> dict[str, float]:
        """Role, or what a process of the server is → seconds until the last look, most first."""
        found: dict[str, float] = {}
        for pid, used_s in self._last.items():
            kind = self._kinds[pid]
            found[kind] = found.get(kind, 0.0) + used_s - self._first.get(pid, 0.0)
        return dict(sorted(found.items(), key=lambda item: -item[1]))


def _used_s(pid: int) -> float | None:
    """Seconds on a CPU, from a clock of nanoseconds; None where the process is gone. It knows one thread alone, and
    a backend has no other."""
    try:
        return int(Path(f"/proc/{pid}/schedstat").read_text().split()[0]) / 1e9
    except (FileNotFoundError, ProcessLookupError):
        return None
