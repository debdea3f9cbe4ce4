"""What the processes use: CPU seconds and resident memory, read from /proc while the load runs."""

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import psutil

SAMPLE_EVERY_S = 1.0
SHARED_EVERY = 10  # Postgres' memory is dear to read: every tenth sample
SETTLED_AFTER_S = 60.0
MB = 1024 * 1024
POSTGRES = "postgres"


@dataclass
class Processes:
    """The processes of one deployment by name; `postgres` stands for the postmaster and everything below
    it."""

    pids: Mapping[str, int]
    # name → (seconds since the start, MB)
    samples: dict[str, list[tuple[float, float]]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.begin()

    def begin(self) -> None:
        """Count from now on."""
        self.began, self._before = time.monotonic(), self._cpu()

    def cpu_s(self) -> dict[str, float]:
        """CPU seconds of each since it began."""
        return {name: round(now - self._before[name], 2) for name, now in self._cpu().items()}

    async def watch(self) -> None:
        """Sample memory until cancelled."""
        for number in range(1_000_000):
            at = time.monotonic() - self.began
            for name, pid in self.pids.items():
                if name != POSTGRES:
                    self.samples.setdefault(name, []).append((at, psutil.Process(pid).memory_info().rss / MB))
                elif number % SHARED_EVERY == 0:
                    self.samples.setdefault(name, []).append((at, _shared_mb(pid)))
            await asyncio.sleep(SAMPLE_EVERY_S)

    def peak_rss_mb(self) -> dict[str, float]:
        """The most each held. For Postgres the sum of its processes' proportional shares: shared buffers
        count once."""
        return {name: round(max(mb for _, mb in samples), 1) for name, samples in self.samples.items()}

    def growth_mb_per_min(self) -> dict[str, float | None]:
        """How memory grows after the first minute, as a least-squares slope; None when less than another
        minute was seen."""
        return {
            name: _slope([(at, mb) for at, mb in samples if at >= SETTLED_AFTER_S])
            for name, samples in self.samples.items()
        }

    def _cpu(self) -> dict[str, float]:
        return {
            name: _tree_cpu_s(pid) if name == POSTGRES else own_cpu_s(pid) for name, pid in self.pids.items()
        }


def own_cpu_s(pid: int) -> float:
    times = psutil.Process(pid).cpu_times()
    return float(times.user + times.system)


def _tree_cpu_s(pid: int) -> float:
    """Of a process, its children alive, and its children gone."""
    parent = psutil.Process(pid)
    times = parent.cpu_times()
    total = times.user + times.system + times.children_user + times.children_system
    for child in parent.children():
        try:
            total += own_cpu_s(child.pid)
        except psutil.NoSuchProcess:
            continue  # ended just now: counted with the parent's next time
    return float(total)


def _shared_mb(pid: int) -> float:
    kilobytes = 0
    for process in (psutil.Process(pid), *psutil.Process(pid).children()):
        try:
            lines = Path(f"/proc/{process.pid}/smaps_rollup").read_text().splitlines()
        except (FileNotFoundError, ProcessLookupError):
            continue
        kilobytes += next(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
    return kilobytes / 1024


def _slope(points: list[tuple[float, float]]) -> float | None:
    if len(points) < 3 or points[-1][0] - points[0][0] < SETTLED_AFTER_S:
        return None
    mean_x, mean_y = (sum(column) / len(points) for column in zip(*points, strict=True))
    over = sum((x - mean_x) * (y - mean_y) for x, y in points)
    under = sum((x - mean_x) ** 2 for x, _ in points)
    return round(float(over / under * 60), 3)
