"""What every `migrations/env.py` is made of. The whole file of a service is two lines:

    from services.rating.tables import metadata
    from shared.postgres.alembic_env import run; run(metadata, schema="rating")

with `metadata = MetaData(schema="rating")`. Revisions lie in `services/<name>/migrations/versions/`:
`0001_<what>.py` has
`revision = "0001"`, `down_revision = None`; the next `0002_<what>.py` follows it. They run as the service's
own role with the search path `<schema>, bus, clock`, each in one transaction, under an advisory lock, and
only add (expand, then contract).
`op.execute("…")` takes a whole script of statements; a colon in it needs no escape. The version table is
`<schema>.alembic_version`. No `create extension`, no `create schema`: both are the administrator's.
"""

import asyncio
import zlib
from typing import Any

from alembic import context
from alembic.ddl.postgresql import PostgresqlImpl
from sqlalchemy import Connection, Executable, MetaData, pool, text
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.util import await_only

from shared.postgres.urls import sqlalchemy_url

VERSION_TABLE = "alembic_version"
SEARCH_PATH_TAIL = "bus, clock"


class ScriptImpl(PostgresqlImpl):
    """Alembic registers it for its dialect by name. A prepared statement takes one command; a migration reads
    better as a script of them."""

    __dialect__ = "postgresql"

    def execute(self, sql: Executable | str, execution_options: dict[str, Any] | None = None) -> None:
        if not isinstance(sql, str):
            super().execute(sql, execution_options)
            return
        assert self.connection is not None
        # the driver opens the transaction at its first statement only
        self.connection.execute(text("select 1"))
        await_only(self.connection.connection.driver_connection.execute(sql))  # type: ignore[union-attr]


def run(metadata: MetaData, *, schema: str) -> None:
    """Bring `schema` to the asked revision on the database that the caller of Alembic named in
    `config.attributes["url"]`."""
    asyncio.run(_migrate(context.config.attributes["url"], metadata, schema))


async def _migrate(url: str, metadata: MetaData, schema: str) -> None:
    engine = create_async_engine(
        sqlalchemy_url(url),
        poolclass=pool.NullPool,
        connect_args={"server_settings": {"search_path": f"{schema}, {SEARCH_PATH_TAIL}"}},
    )
    try:
        async with engine.connect() as connection:
            await connection.execute(text("select pg_advisory_lock(:key)"), {"key": lock_key(schema)})
            # The lock belongs to the session; the next transaction is Alembic's.
            await connection.commit()
            await connection.run_sync(_upgrade, metadata, schema)
            await connection.commit()
    finally:
        await engine.dispose()


def _upgrade(connection: Connection, metadata: MetaData, schema: str) -> None:
    context.configure(
        connection=connection, target_metadata=metadata, transaction_per_migration=True, **options(schema)
    )
    with context.begin_transaction():
        context.run_migrations()


def options(schema: str) -> dict[str, Any]:
    """Alembic's options for one schema, for migrating and for comparing alike."""

    def include_name(name: str | None, kind: str, _parents: object) -> bool:
        return kind != "schema" or name == schema

    return {
        "version_table": VERSION_TABLE,
        "version_table_schema": schema,
        "include_schemas": True,
        "include_name": include_name,
        "compare_type": True,
    }


def lock_key(schema: str) -> int:
    """The advisory lock of migrations of this schema: two commands that migrate at once take turns."""
    return zlib.crc32(f"u2c.verbs.migrate.{schema}".encode())
