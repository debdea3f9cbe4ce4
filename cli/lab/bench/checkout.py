"""A commit of this repository driven as it stands, by its own code, environment, migrations and checker; load
and measuring are this checkout's."""

import asyncio
import json
import os
import shutil
import signal
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path

import asyncpg
import psutil

from lab.bench.deployment import site
from shared.environment_fault import EnvironmentFault
from shared.postgres.embedded import EmbeddedPostgres
from shared.postgres.setup import SERVICES
from shared.postgres.urls import role_url
from u2c.deployment.kafka_broker import KafkaBroker
from u2c.deployment.state import ROOT, State

STOP_TIMEOUT_S = 30.0
ERROR_TAIL_CHARACTERS = 2000
FORGOTTEN = ("VIRTUAL_ENV", "PYTHONPATH", "PYTHONHOME", "UV_PROJECT_ENVIRONMENT")  # each checkout has its own


@dataclass(frozen=True)
class Checkout:
    """Where a commit lies, and what it is called in tables."""

    root: Path
    name: str

    def environment(self, state: Path) -> dict[str, str]:
        """The caller's, without what belongs to this checkout or to a deployment of the caller."""
        kept = {
            name: value
            for name, value in os.environ.items()
            if name not in FORGOTTEN and not name.startswith("U2C_")
        }
        return {
            **kept,
            "U2C_STATE": str(state),
            **{name: os.environ[name] for name in ("U2C_PG_USER", "U2C_PYTHON") if name in os.environ},
        }

    def command(self, *words: str) -> tuple[str, ...]:
        return (str(self.root / "u2c"), *words)


@dataclass(frozen=True)
class Driven:
    """What `u2c up` of a checkout runs, with what the benchmark asks of a cluster."""

    checkout: Checkout
    state: State
    urls: dict[str, str]
    admin_key: str
    database_url: str
    processes: dict[str, int]  # service → process id
    server_pid: int

    def role_url(self, role: str) -> str:
        return role_url(self.database_url, role, self.state.secret())

    def pids(self) -> dict[str, int]:
        return {**self.processes, "postgres": self.server_pid}

    def pause(self, name: str) -> None:
        psutil.Process(self.processes[name]).suspend()

    def resume(self, name: str) -> None:
        psutil.Process(self.processes[name]).resume()


@dataclass(frozen=True)
class DrivenDeployment:
    """As `deployment.Deployment`, of another checkout."""

    cluster: Driven
    folder: Path
    broker: KafkaBroker | None

    @property
    def brokers(self) -> str | None:
        return self.broker.brokers if self.broker else None

    def pids(self) -> dict[str, int]:
        return {**self.cluster.pids(), **({"kafka": self.broker.pid} if self.broker else {})}

    async def breaks(self, _auditor: asyncpg.Connection) -> list[str]:
        """K1–K5 as this commit's own checker finds them: another one may not know its tables."""
        checkout = self.cluster.checkout
        brokers = ("--kafka-brokers", self.brokers) if self.brokers else ()
        checking = await asyncio.create_subprocess_exec(
            *checkout.command("verify", "--json", *brokers),
            cwd=checkout.root,
            env=checkout.environment(self.cluster.state.folder),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        said, errors = await checking.communicate()
        if checking.returncode not in (0, 1):
            raise EnvironmentFault(
                f"u2c verify of {checkout.name} ended with {checking.returncode}: {errors.decode()[-ERROR_TAIL_CHARACTERS:]}",
                "Run it there by hand to see more.",
            )
        return (
            [] if checking.returncode == 0 else [f"{checkout.name}: {said.decode()[:ERROR_TAIL_CHARACTERS]}"]
        )


def own() -> Checkout:
    """This one, with whatever is not committed yet."""
    return Checkout(ROOT, "this checkout")


@contextmanager
def worktree(revision: str) -> Iterator[Checkout]:
    """The commit in a worktree of its own with its locked environment; gone afterwards."""
    commit = _git("rev-parse", "--verify", "--quiet", f"{revision}^{{commit}}").strip()
    if not commit:
        raise EnvironmentFault(
            f"There is no commit {revision} in this clone.",
            "Name one that `git log` shows, or fetch it first.",
        )
    folder = State.default().folder / "against" / commit[:12]
    _remove(folder)
    try:
        _git("worktree", "add", "--detach", str(folder), commit, check=True)
        checkout = Checkout(folder, commit[:9])
        _require(checkout, folder / ".u2c")
        yield checkout
    finally:
        _remove(folder)


@asynccontextmanager
async def driven(checkout: Checkout, bus: str, name: str, *flags: str) -> AsyncIterator[DrivenDeployment]:
    """`u2c up` of the checkout with these flags on a state of its own, durable, and nothing of it left
    afterwards."""
    async with AsyncExitStack() as left:
        folder, broker = left.enter_context(site(bus, name))
        state = State(folder / "state")
        left.callback(EmbeddedPostgres(state.folder).remove)
        on_bus = ("--bus", "kafka", "--kafka-brokers", broker.brokers) if broker else ("--bus", "postgres")
        yield DrivenDeployment(await _up(checkout, state, (*on_bus, *flags), left), folder, broker)


async def _up(checkout: Checkout, state: State, flags: tuple[str, ...], left: AsyncExitStack) -> Driven:
    """Start it and read what it says of itself."""
    log = state.logs() / "up.log"
    with log.open("wb") as errors:
        process = await asyncio.create_subprocess_exec(
            *checkout.command("up", "--json", "--base-port", "0", "--no-restart", *flags),
            cwd=checkout.root,
            env=checkout.environment(state.folder),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=errors,
            start_new_session=True,
        )
    left.push_async_callback(_stop, process)
    assert process.stdout is not None
    line = await process.stdout.readline()
    if not line:
        raise EnvironmentFault(
            f"{checkout.name} did not start: {log.read_text(errors='replace')[-ERROR_TAIL_CHARACTERS:]}",
            "Start it there by hand (./u2c up) to see more.",
        )
    said = json.loads(line)
    pids = said["pids"]
    return Driven(
        checkout,
        state,
        said["urls"],
        said["key"],
        said["database"],
        {name: pids[name] for name in SERVICES},
        pids["postgres"],
    )


async def _stop(process: asyncio.subprocess.Process) -> None:
    if process.returncode is not None:
        return
    for child in psutil.Process(process.pid).children(recursive=True):
        child.resume()  # a paused service could not hear that it is over
    process.send_signal(signal.SIGTERM)
    try:
        await asyncio.wait_for(process.wait(), STOP_TIMEOUT_S)
    except TimeoutError:
        process.kill()  # its services end when their standard input closes
        await process.wait()


def _require(checkout: Checkout, state: Path) -> None:
    """Install its environment before anything is measured."""
    done = subprocess.run(
        checkout.command("--help"),
        cwd=checkout.root,
        env=checkout.environment(state),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise EnvironmentFault(
            f"The environment of {checkout.name} cannot be installed: {done.stderr[-ERROR_TAIL_CHARACTERS:]}",
            "Its lock may name what this machine cannot reach; see the words above.",
        )


def _remove(folder: Path) -> None:
    _git("worktree", "remove", "--force", str(folder))
    shutil.rmtree(folder, ignore_errors=True)
    _git("worktree", "prune")


def _git(*words: str, check: bool = False) -> str:
    done = subprocess.run(("git", "-C", str(ROOT), *words), capture_output=True, text=True, check=False)
    if check and done.returncode:
        raise EnvironmentFault(
            f"git {' '.join(words)} failed: {done.stderr.strip()}",
            "This needs a clone with its history: git clone, git fetch.",
        )
    return done.stdout
