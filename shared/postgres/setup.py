"""Makes a database with its roles and schemas: a service owns its schema and, by GRANT, nothing else."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg

from shared.environment_fault import EnvironmentFault
from shared.postgres.privileges import narrow
from shared.postgres.urls import database_url, role_password, without_password

SERVICES = ("usage_ingest", "rating", "billing", "signals")
#: Where people work: on no bus, and nobody waits for it.
CONSOLE = "console"
#: What has a schema, a role and a port of its own.
PROCESSES = (*SERVICES, CONSOLE)
INFRASTRUCTURE = ("bus", "clock")
AUDITOR = "u2c_auditor"
ROLES = tuple(f"u2c_{process}" for process in PROCESSES)
#: "u2c_": roles belong to the server, so commands take turns.
LOCK_KEY = 0x7532635F


async def create_roles_and_schemas(admin_url: str, database: str, password_secret: str) -> str:
    """Make what is missing and set the passwords; return the administrator's URL of `database`. May be run
    again at any time.

    Migrations of `bus` and `clock` run as the administrator; default privileges open their tables to every
    service.
    """
    async with _roles_of(admin_url, password_secret) as server:
        await _database(server, database)
        url = database_url(admin_url, database)
        await _schemas(url)
        return url


async def create_empty_database(admin_url: str, database: str, password_secret: str) -> str:
    """Make the roles and a database without a schema, for a backup to fill; return its URL. EnvironmentFault
    when there is one of that name."""
    async with _roles_of(admin_url, password_secret) as server:
        if await _exists(server, database):
            raise EnvironmentFault(
                f"There is a database {database} already.",
                "Restore beside it under another name: --database NAME",
            )
        await _database(server, database)
    return database_url(admin_url, database)


@asynccontextmanager
async def _roles_of(admin_url: str, password_secret: str) -> AsyncIterator[asyncpg.Connection]:
    """A connection of the administrator's, with all roles there and their passwords set; commands that do
    this take turns."""
    server = await connect(admin_url)
    try:
        await server.execute("select pg_advisory_lock($1)", LOCK_KEY)
        for role in (*ROLES, AUDITOR):
            await _role(server, role, role_password(password_secret, role))
        yield server
    finally:
        await server.close()


async def narrow_privileges(admin_url: str) -> None:
    """Let every topic be its producers' and the business clock rating's: after the migrations that make what
    this is about."""
    connection = await connect(admin_url)
    try:
        async with connection.transaction():
            await narrow(connection, ROLES)
    finally:
        await connection.close()


async def drop_database(admin_url: str, database: str) -> None:
    """Delete `database`, ending its connections. Its roles stay: they belong to the server."""
    server = await connect(admin_url)
    try:
        await server.execute(f"drop database if exists {_quoted(database)} with (force)")
    finally:
        await server.close()


async def connect(url: str) -> asyncpg.Connection:
    """A connection, or EnvironmentFault with the remedy."""
    try:
        return await asyncpg.connect(url, timeout=10)
    except (OSError, TimeoutError) as error:
        raise EnvironmentFault(
            f"No Postgres answers at {without_password(url)}: {error}", "Start it, or correct U2C_ADMIN_URL."
        ) from error
    except (asyncpg.InvalidPasswordError, asyncpg.InvalidAuthorizationSpecificationError) as error:
        fault = f"Postgres refused the login at {without_password(url)}: {error}"
        raise EnvironmentFault(fault, "Correct user and password in U2C_ADMIN_URL.") from error


async def _role(server: asyncpg.Connection, role: str, password: str) -> None:
    found = await server.fetchrow("select rolsuper, rolbypassrls from pg_roles where rolname = $1", role)
    if found is not None and (found["rolsuper"] or found["rolbypassrls"]):
        raise EnvironmentFault(
            f"The role {role} may do too much for a service.",
            f"As an administrator: alter role {role} nosuperuser nobypassrls",
        )
    verb = (
        "create role {} login nosuperuser nobypassrls password '{}'"
        if found is None
        else "alter role {} login password '{}'"
    )
    # base64 has no quote; DDL takes no parameters.
    await server.execute(verb.format(role, password))
    # a non-superuser administrator needs it to give schemas away
    await server.execute(f"grant {role} to current_user")


async def _database(server: asyncpg.Connection, database: str) -> None:
    if not await _exists(server, database):
        await server.execute(f"create database {_quoted(database)} encoding 'UTF8' template template0")


async def _exists(server: asyncpg.Connection, database: str) -> bool:
    return bool(await server.fetchval("select true from pg_database where datname = $1", database))


async def _schemas(url: str) -> None:
    connection = await connect(url)
    try:
        async with connection.transaction():
            for schema in INFRASTRUCTURE:
                await connection.execute(_infrastructure(schema))
            for process in PROCESSES:
                await connection.execute(_schema(process))
            for service in SERVICES:
                await connection.execute(_open_to_auditor(service))
            await narrow(connection, ROLES)
    finally:
        await connection.close()


def _infrastructure(schema: str) -> str:
    services = ", ".join(f"u2c_{service}" for service in SERVICES)
    return f"""
        create schema if not exists {schema};
        grant usage on schema {schema} to {services}, {AUDITOR};
        grant select, insert, update, delete on all tables in schema {schema} to {services};
        grant usage, select, update on all sequences in schema {schema} to {services};
        grant select on all tables in schema {schema} to {AUDITOR};
        alter default privileges in schema {schema} grant
            select, insert, update, delete on tables to {services};
        alter default privileges in schema {schema} grant usage, select, update on sequences to {services};
        alter default privileges in schema {schema} grant select on tables to {AUDITOR};
        alter default privileges in schema {schema} grant select on sequences to {AUDITOR};
    """


def _schema(process: str) -> str:
    return f"create schema if not exists {process} authorization u2c_{process}"


def _open_to_auditor(service: str) -> str:
    """A service's schema, not the console's: no check of the books reads passwords and sessions."""
    role = f"u2c_{service}"
    return f"""
        grant usage on schema {service} to {AUDITOR};
        grant select on all tables in schema {service} to {AUDITOR};
        grant select on all sequences in schema {service} to {AUDITOR};
        alter default privileges for role {role} in schema {service} grant select on tables to {AUDITOR};
        alter default privileges for role {role} in schema {service} grant select on sequences to {AUDITOR};
    """


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
