"""Where a conformance case takes place: a database, a bus, consumers as OS processes, a producer that
remembers every acknowledgement."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import asyncpg
import msgspec
import psutil
from sqlalchemy import MetaData
from sqlalchemy.dialects import postgresql
from sqlalchemy.schema import CreateIndex, CreateTable

from shared.bus import Bus, BusUnavailable
from shared.db.tables import add_standard_tables
from shared.db.unit_of_work import Database
from tests.conftest import TestDatabase
from tests.shared.bus.consumer_process import EFFECTS, Options, open_test_bus
from tests.shared.bus.topics import FACTS, fact
from u2c.deployment.state import ROOT

GROUP = "conformance"
OUTAGE_MAX_S = 60
T = TypeVar("T")
K1 = """select count(*) from (
    select from_offset, lag(to_offset, 1, 0::bigint) over (partition by grp, topic, partition
        order by from_offset) as expected
    from bus.batches where grp = $1) b where from_offset <> expected"""


@dataclass
class ConsumerProcess:
    """One consumer; its log is in `log`, its last word (why it stopped) on stdout."""

    process: "subprocess.Popen[bytes]"
    log: Path

    @property
    def pid(self) -> int:
        return self.process.pid

    def signal(self, number: int) -> None:
        os.kill(self.pid, number)

    def kill(self) -> None:
        if self.process.poll() is None:
            self.signal(signal.SIGKILL)
        self.process.wait()

    async def stopped_itself(self, timeout_s: float = 40) -> None:
        """Wait until the process has stopped itself by SIGSTOP."""
        await until(
            lambda: psutil.Process(self.pid).status() == psutil.STATUS_STOPPED,
            timeout_s,
            "the consumer stops itself",
        )

    async def ended(self, timeout_s: float = 30) -> str:
        """Wait for its end and return its last word."""
        await until(lambda: self.process.poll() is not None, timeout_s, "the consumer ends")
        assert self.process.stdout is not None
        return self.process.stdout.read().decode().strip()


@dataclass
class Arena:
    """What every case uses. `brokers` is "" on the Postgres log."""

    database: TestDatabase
    folder: Path
    brokers: str = ""
    session_timeout_s: float = 1.5
    acknowledged: set[str] = field(default_factory=set)
    _numbers: int = 0
    _processes: list[ConsumerProcess] = field(default_factory=list)
    db: Database = field(init=False)
    bus: Bus = field(init=False)

    async def open(self) -> None:
        self.db = Database(self.database.url("rating"), "rating")
        await self.db.open()
        await self.db.pool.execute(EFFECTS)
        self.bus = self.another_bus()
        await self.bus.start()

    async def create_standard_tables(self) -> None:
        """Those of every service, in the schema `rating`: its outbox, and what hangs on it."""
        metadata = MetaData(schema="rating")
        add_standard_tables(metadata)
        for table in metadata.sorted_tables:
            await self.db.pool.execute(str(CreateTable(table).compile(dialect=postgresql.dialect())))  # type: ignore[no-untyped-call]
            for index in table.indexes:
                await self.db.pool.execute(str(CreateIndex(index).compile(dialect=postgresql.dialect())))  # type: ignore[no-untyped-call]

    async def close(self) -> None:
        for process in self._processes:
            process.kill()
        await self.bus.stop()
        await self.db.close()

    def options(self, **changes: Any) -> Options:
        return Options(
            **{
                "url": self.db.url,
                "brokers": self.brokers,
                "session_timeout_s": self.session_timeout_s,
                **changes,
            }
        )

    def another_bus(self) -> Bus:
        return open_test_bus(self.options(), self.db.pool)

    def spawn(self, **changes: Any) -> ConsumerProcess:
        """Start a consumer with these options."""
        return self._start("tests.shared.bus.consumer_process", self.options(**changes))

    def spawn_relay(self, failpoint: str = "") -> ConsumerProcess:
        """Start a relay of the schema `rating`; it dies at `failpoint`."""
        return self._start("tests.shared.bus.relay_process", self.options(), {"U2C_FAILPOINT": failpoint})

    def _start(
        self, module: str, options: Options, environment: dict[str, str] | None = None
    ) -> ConsumerProcess:
        log = self.folder / f"process-{len(self._processes)}.log"
        with log.open("wb") as errors:
            process = subprocess.Popen(
                [sys.executable, "-m", module, msgspec.json.encode(options).decode()],
                cwd=ROOT,
                stdout=subprocess.PIPE,
                stderr=errors,
                env={**os.environ, "PYTHONPATH": str(ROOT), **(environment or {})},
            )
        started = ConsumerProcess(process, log)
        self._processes.append(started)
        return started

    async def publish(self, count: int, **of_fact: Any) -> None:
        """Publish the next `count` facts; return when they are acknowledged."""
        numbers = range(self._numbers, self._numbers + count)
        self._numbers += count
        records = [fact(number, **of_fact) for number in numbers]
        await until_done(lambda: self.bus.publish(FACTS.name, records))
        self.acknowledged |= {f"fact-{number}" for number in numbers}

    @asynccontextmanager
    async def load(self, every_s: float = 0.02, count: int = 20) -> AsyncIterator[None]:
        """Publish steadily while the block runs. What is under way at its end is awaited: a publish that is
        cancelled in its commit may still arrive, after everybody has looked."""
        ended = asyncio.Event()

        async def run() -> None:
            while not ended.is_set():
                await self.publish(count)
                await asyncio.sleep(every_s)

        task = asyncio.create_task(run())
        try:
            yield
        finally:
            ended.set()
            await task

    async def lag(self) -> int:
        heads, done = await self.bus.heads(FACTS.name), await self.bus.positions(GROUP, FACTS.name)
        return sum(heads.values()) - sum(done.values())

    async def drained(self, timeout_s: float = 60) -> None:
        """Wait until the group has consumed all there is."""
        deadline = asyncio.get_running_loop().time() + timeout_s
        while (lag := await until_done(self.lag)) > 0:
            assert asyncio.get_running_loop().time() < deadline, (
                f"{lag} records are not consumed after {timeout_s} s\n{self.logs()}"
            )
            await asyncio.sleep(0.05)

    async def assert_exactly_once(self) -> None:
        """Every record on the bus has its effect or its dead letter, once; all that was acknowledged is
        there; K1 holds."""
        effects = await self.db.pool.fetch("select partition, offset_, id from rating.effects")
        dead = await self.db.pool.fetch(
            "select partition, offset_ from bus.dead_letters where grp = $1", GROUP
        )
        found = [(row["partition"], row["offset_"]) for row in (*effects, *dead)]
        expected = {
            (partition, offset)
            for partition, head in (await self.bus.heads(FACTS.name)).items()
            for offset in range(head)
        }
        assert len(found) == len(set(found)), (
            f"{len(found) - len(set(found))} effects are there twice\n{self.logs()}"
        )
        assert set(found) == expected, (
            f"missing: {sorted(expected - set(found))[:10]}, invented: {sorted(set(found) - expected)[:10]}"
        )
        assert self.acknowledged - {row["id"] for row in effects} == set()
        assert await self.db.pool.fetchval(K1, GROUP) == 0, "batch rows do not tile the log"

    async def admin(self, sql: str) -> None:
        """Do what only the administrator may."""
        connection = await asyncpg.connect(self.database.admin_url)
        try:
            await connection.execute(sql)
        finally:
            await connection.close()

    async def effects_since(self, n: int) -> list[Any]:
        return list(await self.db.pool.fetch("select n, partition, pid from rating.effects where n > $1", n))

    async def last_effect(self) -> int:
        return await self.db.pool.fetchval("select coalesce(max(n), 0) from rating.effects") or 0

    def logs(self) -> str:
        return "\n".join(
            f"--- {process.log.name}\n{process.log.read_text()[-1500:]}" for process in self._processes
        )


async def until(holds: Callable[[], bool], timeout_s: float, what: str) -> None:
    deadline = asyncio.get_running_loop().time() + timeout_s
    while not holds():
        assert asyncio.get_running_loop().time() < deadline, f"waited {timeout_s} s in vain: {what}"
        await asyncio.sleep(0.02)


async def until_done(work: Callable[[], Awaitable[T]]) -> T:
    """Try again while the bus is away, as a producer does."""
    deadline = asyncio.get_running_loop().time() + OUTAGE_MAX_S
    while True:
        try:
            return await work()
        except BusUnavailable:
            assert asyncio.get_running_loop().time() < deadline, (
                f"the bus is away for more than {OUTAGE_MAX_S} s"
            )
            await asyncio.sleep(0.05)
