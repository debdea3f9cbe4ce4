"""A server for tests that kill it; they need only the infrastructure schemas."""

import asyncio
import secrets
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from alembic import command

from shared.postgres.embedded import EmbeddedPostgres
from shared.postgres.migrations import _config
from shared.postgres.server_settings import ServerSettings
from shared.postgres.setup import create_roles_and_schemas
from tests.conftest import TEMPLATE, WAL_MAX_MB, TestServer
from tests.ram import server_folder


@pytest.fixture(scope="session")
def durable_server() -> Iterator[TestServer]:
    """Beside the run's server: durable, because it is killed and must keep what it acknowledged."""
    with server_folder("bus") as folder:
        server = EmbeddedPostgres(folder, ServerSettings(shared_buffers_mb=64, wal_max_mb=WAL_MAX_MB))
        info, secret = server.start(), secrets.token_hex(8)
        try:
            with ThreadPoolExecutor(1) as thread:
                url = thread.submit(
                    asyncio.run, create_roles_and_schemas(info.admin_url, TEMPLATE, secret)
                ).result()
            command.upgrade(_config("bus", url, secret), "head")
            yield TestServer(info.admin_url, secret, server)
        finally:
            server.remove()
