"""Fixtures every test may use: one real Postgres for the run, and a fresh migrated database for each test
that asks."""

import asyncio
import secrets
from collections import Counter
from collections.abc import Callable, Coroutine, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import asyncpg
import httpcore2
import pytest
from hypothesis import HealthCheck, settings

from shared.db.pooled import Pooled
from shared.postgres.embedded import EmbeddedPostgres
from shared.postgres.migrations import prepare
from shared.postgres.server_settings import ServerSettings
from shared.postgres.setup import drop_database
from shared.postgres.urls import database_url, role_url
from shared.runtime.garbage import collect, collect_seldom
from shared.runtime.logs import configure_logs
from tests.ram import server_folder
from tests.together import SHARED, refuse_stranger, scheduler, scope_of

if TYPE_CHECKING:
    from xdist.remote import Producer

    from shared.bus import Record
    from tests.together import Together
    from u2c.deployment.cluster import ClusterOptions
    from u2c.deployment.kafka_broker import KafkaBroker

TEMPLATE = "u2c_template"
WAL_MAX_MB = 256
#: Of each property in the full tier, where it does not say itself how many it can afford.
FULL_EXAMPLES = 1000
Sized = Callable[[int, int, int], int]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--all", action="store_true", help="run the long tests too")
    parser.addoption(
        "--tier",
        choices=("full",),
        help="full: --all, and as much of each as by hand once in a while, not at every change",
    )


def pytest_configure(config: pytest.Config) -> None:
    """What is logged in a test reads as a service's log does: structlog's own way paints each traceback with
    its locals, for seconds.

    A property that holds must hold on a busy machine too: no example has a deadline, and none is too slow.
    """
    configure_logs("tests", "warning")
    # Each client of httpx reads the machine's certificates anew, 20 ms, also where no connection has any.
    httpcore2.default_ssl_context = cache(httpcore2.default_ssl_context)
    settings.register_profile("every_change", deadline=None, suppress_health_check=[HealthCheck.too_slow])
    settings.register_profile("full", settings.get_profile("every_change"), max_examples=FULL_EXAMPLES)
    settings.load_profile("full" if config.getoption("--tier") else "every_change")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave the long tests out, unless they are asked for. The files that share something come first, then
    those that ask for most time: nobody waits for one at the end."""
    if not (config.getoption("--all") or config.getoption("--tier") or config.getoption("-m")):
        config.hook.pytest_deselected(items=[item for item in items if item.get_closest_marker("long")])
        items[:] = [item for item in items if not item.get_closest_marker("long")]
    asked_s: Counter[str] = Counter()
    for item in items:
        asked_s[scope_of(item.nodeid)] += sum(int(mark.args[0]) for mark in item.iter_markers("timeout"))
    items.sort(key=lambda item: (scope_of(item.nodeid) not in SHARED, -asked_s[scope_of(item.nodeid)]))


def pytest_collection_finish() -> None:
    """What was imported stays: it is not looked through for garbage again and again, as in a service."""
    collect_seldom()
    collect()


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """As a test that fails, since a worker of xdist that refuses its collection says nothing of the reason."""
    refuse_stranger(item)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: "Producer") -> "Together | None":
    return scheduler(config, log)


@pytest.fixture(scope="session")
def sized(request: pytest.FixtureRequest) -> Sized:
    """`sized(3, 40, 200)`: how much of it a test does in the default suite, with `--all`, and with `--tier
    full`."""
    tier, everything = request.config.getoption("--tier"), request.config.getoption("--all")
    return lambda default, long, full: full if tier else long if everything else default


@dataclass(frozen=True)
class TestDatabase:
    """A database of the run's server. `admin_url` is the administrator's, `url("rating")` the URL of a role of
    it, `server_url` names the database `postgres`."""

    __test__ = False
    name: str
    admin_url: str
    secret: str
    server_url: str

    def url(self, role: str) -> str:
        return role_url(self.admin_url, role, self.secret)


@dataclass(frozen=True)
class TestServer:
    """The run's Postgres, with a migrated database to copy from. `admin_url` names the database
    `postgres`."""

    __test__ = False
    admin_url: str
    secret: str
    postgres: EmbeddedPostgres

    def new_name(self) -> TestDatabase:
        """A name for a database that is not there yet."""
        name = f"test_{secrets.token_hex(6)}"
        return TestDatabase(name, database_url(self.admin_url, name), self.secret, self.admin_url)


@contextmanager
def fresh_database(server: TestServer) -> Iterator[TestDatabase]:
    """A fresh database with all schemas at head; gone after the block."""
    database = server.new_name()
    in_thread(_copy(server.admin_url, database.name))
    try:
        yield database
    finally:
        in_thread(drop_database(server.admin_url, database.name))


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[TestServer]:
    """One server for the whole run, in a folder of its own, so that several runs at once do not meet."""
    with server_folder("test") as folder:
        server = EmbeddedPostgres(
            folder, ServerSettings(shared_buffers_mb=128, wal_max_mb=WAL_MAX_MB, durable=False)
        )
        info, secret = server.start(), secrets.token_hex(8)
        try:
            in_thread(prepare(info.admin_url, TEMPLATE, secret))
            yield TestServer(info.admin_url, secret, server)
        finally:
            server.remove()


@pytest.fixture
def database(postgres_server: TestServer) -> Iterator[TestDatabase]:
    """A fresh database for the test."""
    with fresh_database(postgres_server) as database:
        yield database


@pytest.fixture
def empty_database(postgres_server: TestServer) -> Iterator[TestDatabase]:
    """A name for a database that is not there yet; gone after the test."""
    database = postgres_server.new_name()
    yield database
    in_thread(drop_database(postgres_server.admin_url, database.name))


def options_on(database: TestDatabase, folder: Path, **changes: Any) -> "ClusterOptions":
    """Options for `u2c.deployment.cluster.Cluster` on this database, free ports, its state in `folder`."""
    from u2c.deployment.cluster import ClusterOptions
    from u2c.deployment.state import State

    state = State(folder)
    state.adopt_secret(database.secret)
    defaults: dict[str, Any] = {
        "state": state,
        "database": database.name,
        "admin_url": database.server_url,
        "base_port": 0,
    }
    return ClusterOptions(**{**defaults, **changes})


@pytest.fixture
def cluster_options(database: TestDatabase, tmp_path: Path) -> "Callable[..., ClusterOptions]":
    """Options on the test's database, logs in the test's folder: `Cluster(cluster_options(restart=False))`.

    Such a deployment is the test's own: it moves the clock, kills or adds processes, counts all there is, or
    begins with an empty book.
    """
    return partial(options_on, database, tmp_path / "state")


@pytest.fixture(scope="session")
def shared_broker(tmp_path_factory: pytest.TempPathFactory) -> "Iterator[KafkaBroker]":
    """One broker for all whose topics are their own, or who do not mind what else lies on them."""
    from u2c.deployment.kafka_broker import KafkaBroker

    broker = KafkaBroker(tmp_path_factory.mktemp("kafka"))
    broker.start()
    yield broker
    broker.stop()


@pytest.fixture
def broker(shared_broker: "KafkaBroker") -> "KafkaBroker":
    """The shared broker, running, whatever the test before did to it."""
    if not shared_broker.running():
        shared_broker.start()
    return shared_broker


async def stand_clock(admin_url: str, at: datetime) -> None:
    """Let the business clock stand at an instant, whatever it showed before: only rating's role and the
    administrator may move it."""
    connection = await asyncpg.connect(admin_url)
    try:
        await connection.execute("update clock.business set moved_to = $1, revision = revision + 1", at)
    finally:
        await connection.close()


async def say(admin_url: str, topic: str, records: "Sequence[Record]") -> None:
    """Put records on a topic of the log in Postgres as its producer would: a service's own role may not speak
    for another one."""
    from shared.bus.postgres_log import PostgresLog

    pool = await asyncpg.create_pool(admin_url, min_size=1, max_size=2, connection_class=Pooled)
    bus = PostgresLog(pool)
    try:
        await bus.publish(topic, records)
    finally:
        await bus.stop()
        await pool.close()


async def _copy(server_url: str, name: str) -> None:
    connection = await asyncpg.connect(server_url)
    try:
        await connection.execute(f"create database {name} template {TEMPLATE} strategy file_copy")
    finally:
        await connection.close()


def in_thread(work: Coroutine[Any, Any, Any]) -> Any:
    """Run in a thread of its own: the test's event loop is not touched."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, work).result()
