"""One real book for all tests of conservation; each test damages it in a transaction that is rolled back."""

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass

import asyncpg
import pytest

from shared.postgres.setup import AUDITOR
from tests.conftest import TestServer, fresh_database, in_thread, options_on
from tests.services.billing.conservation.book import STARTS, Sent, fill, rolled_up
from u2c.deployment.cluster import Cluster, ClusterOptions
from u2c.deployment.state import State


@dataclass(frozen=True)
class Book:
    """A filled database, its services stopped. `admin_url` may do everything, `auditor_url` may read."""

    name: str
    admin_url: str
    auditor_url: str
    state: State
    server_url: str
    sent: Sent


@pytest.fixture(scope="session")
def book(postgres_server: TestServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Book]:
    """Filled once a run; who uses it stands in `tests/together.py`."""
    with fresh_database(postgres_server) as database:
        options = options_on(database, tmp_path_factory.mktemp("book"), clock_at=STARTS, restart=False)
        sent = in_thread(_filled(options, database.admin_url))
        yield Book(
            database.name,
            database.admin_url,
            database.url(AUDITOR),
            options.state,
            database.server_url,
            sent,
        )


async def _filled(options: ClusterOptions, admin_url: str) -> Sent:
    async with Cluster(options) as cluster:
        sent = await fill(cluster)
        await rolled_up(admin_url)
        return sent


@pytest.fixture
async def auditor(book: Book) -> AsyncIterator[asyncpg.Connection]:
    """The read-only role, outside any transaction."""
    connection = await asyncpg.connect(book.auditor_url, server_settings={"timezone": "UTC"})
    yield connection
    await connection.close()


@pytest.fixture
async def vandal(book: Book) -> AsyncIterator[asyncpg.Connection]:
    """An administrator in a transaction past every trigger, rolled back after the test."""
    connection = await asyncpg.connect(book.admin_url, server_settings={"timezone": "UTC"})
    transaction = connection.transaction(isolation="repeatable_read")
    await transaction.start()
    await connection.execute("set local session_replication_role = replica")
    yield connection
    await transaction.rollback()
    await connection.close()
