"""The read-only role that sees all schemas: the one exception to "a role reads its own schema", for
conservation alone."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import asyncpg

CONNECT_TIMEOUT_S = 10
#: A whole book is read in one statement.
COMMAND_TIMEOUT_S = 300
#: Who makes checks holds one and opens a second; all others need one.
CONNECTIONS_MAX = 12
#: The lock of who checks everything.
TURN = 0x75326363
WORK_MEM = "set local work_mem = '64MB'"


@dataclass(frozen=True, slots=True)
class Auditor:
    """Where to connect as `u2c_auditor`. A check takes seconds and comes seldom, so each opens a connection
    of its own; whoever comes while as many are open as one process may have waits."""

    url: str
    slots: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(CONNECTIONS_MAX))

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[asyncpg.Connection]:
        """A connection for one check."""
        async with self.slots:
            connection = await asyncpg.connect(
                self.url,
                timeout=CONNECT_TIMEOUT_S,
                command_timeout=COMMAND_TIMEOUT_S,
                server_settings={
                    "application_name": "u2c-auditor",
                    "timezone": "UTC",
                    "default_transaction_read_only": "on",
                },
            )
            try:
                yield connection
            finally:
                await connection.close(timeout=5)


@asynccontextmanager
async def snapshot(connection: asyncpg.Connection) -> AsyncIterator[None]:
    """One consistent view of all schemas; inside a transaction of the caller's (REPEATABLE READ, please),
    that one's."""
    if connection.is_in_transaction():
        await connection.execute(WORK_MEM)
        yield
        return
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        await connection.execute(WORK_MEM)
        yield


async def take_turn(connection: asyncpg.Connection) -> bool:
    """Whether this session may make a check of everything: one does at a time, in whichever process. Its turn ends with the
    session, also where its process dies."""
    taken: bool = await connection.fetchval("select pg_try_advisory_lock($1)", TURN)
    return taken
