"""One real book for all tests of conservation; each test damages it in a transaction that is rolled back."""

import asyncio
import secrets
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import asyncpg
import pytest

from shared.postgres.setup import AUDITOR, drop_database
from shared.postgres.urls import database_url, role_url
from tests.conftest import TestServer, _copy
from tests.services.billing.conservation.book import STARTS, Sent, fill
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
    name = f"book_{secrets.token_hex(4)}"
    state = State(Path(tmp_path_factory.mktemp("book")) / "state")
    state.adopt_secret(postgres_server.secret)
    with ThreadPoolExecutor(1) as thread:  # an event loop of its own
        sent = thread.submit(asyncio.run, _filled(postgres_server, name, state)).result()
        admin_url = database_url(postgres_server.admin_url, name)
        yield Book(
            name,
            admin_url,
            role_url(admin_url, AUDITOR, postgres_server.secret),
            state,
            postgres_server.admin_url,
            sent,
        )
        thread.submit(asyncio.run, drop_database(postgres_server.admin_url, name)).result()


async def _filled(server: TestServer, name: str, state: State) -> Sent:
    await _copy(server.admin_url, name)
    options = ClusterOptions(
        state=state, database=name, admin_url=server.admin_url, base_port=0, clock_at=STARTS, restart=False
    )
    async with Cluster(options) as cluster:
        return await fill(cluster)


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
