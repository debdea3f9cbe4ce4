"""The book of a deployment, for verbs that look into it as administrator: its server, its database, its
bus."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Annotated

import asyncpg
import typer

from shared.bus import Bus
from shared.bus.factory import open_bus
from shared.bus.kafka_access import KafkaAccess
from shared.environment_fault import EnvironmentFault
from shared.postgres.embedded import EmbeddedPostgres
from shared.postgres.setup import connect
from shared.postgres.urls import database_url, same_server
from u2c.deployment.address import chosen
from u2c.deployment.running import running
from u2c.deployment.state import State
from u2c.settings import flag

#: Where `up` and `demo` keep their books, unless told otherwise.
CANDIDATES = ("u2c", "u2c_demo")

AdminUrl = Annotated[str | None, flag("admin_url", "--database-url", "--admin-url")]
DatabaseName = Annotated[
    str | None,
    typer.Option(
        envvar="U2C_DATABASE",
        help="Name of the database; by default that of the deployment that runs, else of `up`, else of `demo`",
    ),
]
Brokers = Annotated[
    str,
    typer.Option(
        envvar="U2C_KAFKA_BROKERS", help="Bootstrap servers, for a book on Kafka; a login by U2C_KAFKA_…"
    ),
]
BROKERS = "127.0.0.1:9092"


@contextmanager
def server(admin_url: str | None) -> Iterator[str]:
    """The administrator's URL of the server; the embedded one is started for the verb if it does not run, and
    stopped again."""
    if admin_url is not None:
        yield admin_url
        return
    state = State.default()
    embedded = EmbeddedPostgres(state.folder)
    if embedded.running() is None and not embedded.state.is_dir():
        raise EnvironmentFault(
            f"There is no book in {state.folder}.", "Make one: ./u2c demo --once, or ./u2c up"
        )
    with own_server(None) as url:
        yield url


@contextmanager
def own_server(admin_url: str | None) -> Iterator[str]:
    """The same, whether there is a book on it yet or not."""
    if admin_url is not None:
        yield admin_url
        return
    embedded = EmbeddedPostgres(State.default().folder)
    try:
        yield embedded.start().admin_url
    finally:
        embedded.stop()


async def book_url(server_url: str, database: str | None) -> str:
    """The administrator's URL of this database; else of the deployment's that runs from this clone on that
    server, whatever its name (a restored book has another); else of the first of the usual ones that holds
    usage, or of the first that is there."""
    return database_url(server_url, database or _served(server_url) or await _usual(server_url))


async def connected(url: str) -> asyncpg.Connection:
    """A connection in UTC to a migrated book, or EnvironmentFault."""
    try:
        connection = await connect(url)
    except asyncpg.InvalidCatalogNameError as fault:
        raise EnvironmentFault(
            str(fault), "Name a database that is there: --database NAME; or make one: ./u2c demo --once"
        ) from fault
    await connection.execute("set timezone = 'UTC'")
    if await connection.fetchval("select to_regclass('billing.documents')") is None:
        raise EnvironmentFault("This database has no book yet.", "Run ./u2c migrate, or ./u2c demo --once")
    return connection


async def lives_on_kafka(connection: asyncpg.Connection) -> bool:
    return bool(await connection.fetchval("select exists (select from bus.cluster where kind = 'kafka')"))


@asynccontextmanager
async def opened_bus(pool: asyncpg.Pool, access: KafkaAccess, *, kafka: bool) -> AsyncIterator[Bus]:
    """The bus this book lives on."""
    bus = open_bus(pool, access if kafka else None)
    try:
        await bus.start()
        yield bus
    finally:
        await bus.stop()


async def other_books(server_url: str, name: str) -> list[str]:
    """The usual databases that are there beside this one."""
    return [other for other in await _there(server_url) if other != name]


def _served(server_url: str) -> str | None:
    """The database of the one deployment that runs on this server, or EnvironmentFault where it is not clear
    which is meant."""
    found = chosen(
        [one for one in running(State.default()) if same_server(one.database_url, server_url)], None
    )
    return found.database if found else None


async def _there(server_url: str) -> list[str]:
    found = await connect(server_url)
    try:
        return [
            name
            for name in CANDIDATES
            if await found.fetchval("select true from pg_database where datname = $1", name)
        ]
    finally:
        await found.close()


async def _usual(server_url: str) -> str:
    there = await _there(server_url)
    if not there:
        raise EnvironmentFault(
            f"This server has no database {' or '.join(CANDIDATES)}.",
            "Make a book: ./u2c demo --once; or name one: --database NAME",
        )
    for name in there:
        if await _holds_usage(database_url(server_url, name)):
            return name
    return there[0]


async def _holds_usage(url: str) -> bool:
    connection = await connect(url)
    try:
        migrated = await connection.fetchval("select to_regclass('rating.events') is not null")
        return bool(migrated) and bool(await connection.fetchval("select exists (select from rating.events)"))
    finally:
        await connection.close()
