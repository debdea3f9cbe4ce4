"""Deployments that run from this clone: each says in the state folder where it answers, so that verbs find it
on whatever port it is."""

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil

from u2c.deployment.state import State


@dataclass(frozen=True)
class Running:
    """A deployment: `pid` and `began` (seconds since the epoch) are those of the process that keeps it,
    `urls` and `pids` by service."""

    database: str
    pid: int
    began: float
    urls: Mapping[str, str]
    pids: Mapping[str, int]
    database_url: str  # without its password
    logs: str  # folder
    bus: str

    @property
    def alive(self) -> bool:
        """Whether its keeper lives. A process id is given again, so the process must be as old as the
        deployment."""
        try:
            return psutil.Process(self.pid).create_time() == self.began
        except psutil.NoSuchProcess:
            return False

    @property
    def ports(self) -> list[int]:
        return sorted(int(url.rpartition(":")[2]) for url in self.urls.values())


def began(pid: int) -> float:
    """When a process of this machine began, as `Running.began` has it."""
    return psutil.Process(pid).create_time()


def keep(state: State, running: Running) -> None:
    """Write it down, whole or not at all, readable by its owner only."""
    state.keep_running(running.database, json.dumps(asdict(running)))


def forget(state: State, database: str) -> None:
    """It has ended. What another keeper wrote meanwhile stays."""
    path = _path(state, database)
    found = _read(path)
    if found is not None and found.pid == os.getpid():
        path.unlink(missing_ok=True)


def running(state: State) -> list[Running]:
    """Those that live, by database."""
    found = [_read(path) for path in sorted((state.folder / "running").glob("*.json"))]
    return [one for one in found if one is not None and one.alive]


def _path(state: State, database: str) -> Path:
    return state.folder / "running" / f"{database}.json"


def _read(path: Path) -> Running | None:
    """None where it is gone, or was written by another version."""
    try:
        return Running(**json.loads(path.read_text()))
    except (OSError, ValueError, TypeError):
        return None
