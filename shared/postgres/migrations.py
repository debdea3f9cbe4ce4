"""Brings databases to head: infrastructure as the administrator, each service's schema as its own role."""

import asyncio
import importlib
from pathlib import Path
from typing import Any

import asyncpg
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from sqlalchemy import Connection, MetaData, pool, text
from sqlalchemy.ext.asyncio import create_async_engine

from shared.postgres.alembic_env import VERSION_TABLE, options
from shared.postgres.setup import PROCESSES, connect, create_roles_and_schemas, narrow_privileges
from shared.postgres.urls import role_url, sqlalchemy_url

ROOT = Path(__file__).resolve().parents[2]
INFRASTRUCTURE_SCHEMA = "bus"  # one history for `bus` and `clock`


async def prepare(admin_url: str, database: str, secret: str) -> str:
    """A database ready for the services: roles, schemas, migrations at head. Returns the administrator's URL
    of it."""
    url = await create_roles_and_schemas(admin_url, database, secret)
    await migrate_all(url, secret)
    return url


async def migrate_all(admin_url: str, secret: str) -> dict[str, str]:
    """Migrate the database that `admin_url` names; return schema → revision. Running it again changes
    nothing."""
    for schema in schemas():
        url = admin_url if schema == INFRASTRUCTURE_SCHEMA else role_url(admin_url, schema, secret)
        await asyncio.to_thread(command.upgrade, _config(schema, url, secret), "head")
    await narrow_privileges(admin_url)
    connection = await connect(admin_url)
    try:
        return {schema: await revision(connection, schema) or "" for schema in schemas()}
    finally:
        await connection.close()


def schemas() -> list[str]:
    """The schemas that have migrations, in the order they run."""
    return [schema for schema in (INFRASTRUCTURE_SCHEMA, *PROCESSES) if (folder(schema) / "env.py").is_file()]


def folder(schema: str) -> Path:
    return (
        ROOT / "shared" / "migrations"
        if schema == INFRASTRUCTURE_SCHEMA
        else ROOT / "services" / schema / "migrations"
    )


def metadata_of(service: str) -> MetaData:
    """The tables a service's migrations must lead to."""
    found: MetaData = importlib.import_module(f"services.{service}.tables").metadata
    return found


async def revision(connection: asyncpg.Connection, schema: str) -> str | None:
    """The revision the database is at; None when it was never migrated."""
    if await connection.fetchval("select to_regclass($1)", f"{schema}.{VERSION_TABLE}") is None:
        return None
    found: str | None = await connection.fetchval(f"select version_num from {schema}.{VERSION_TABLE}")
    return found


async def differences(admin_url: str, metadata: MetaData, schema: str) -> list[Any]:
    """What Alembic would still change to turn the database into `metadata`; [] when they agree. Partitions
    are not compared."""
    engine = create_async_engine(sqlalchemy_url(admin_url), poolclass=pool.NullPool)
    try:
        async with engine.connect() as connection:
            return await connection.run_sync(_differences, metadata, schema)
    finally:
        await engine.dispose()


def _differences(connection: Connection, metadata: MetaData, schema: str) -> list[Any]:
    partitions = set(
        connection.scalars(
            text(
                "select relname from pg_class where relispartition and relnamespace = cast(:schema as regnamespace)"
            ),
            {"schema": schema},
        )
    )

    def include_object(_item: object, name: str | None, kind: str, reflected: bool, _other: object) -> bool:
        return not (kind == "table" and reflected and name in partitions)

    compared = MigrationContext.configure(
        connection, opts={**options(schema), "include_object": include_object}
    )
    return list(compare_metadata(compared, metadata))


def _config(schema: str, url: str, secret: str) -> Config:
    """Alembic's, with what `env.py` needs (the URL) and what a migration may need: the deployment's secret,
    to seal what was stored plain."""
    config = Config()
    config.set_main_option("script_location", str(folder(schema)).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes |= {"url": url, "secret": secret}
    return config
