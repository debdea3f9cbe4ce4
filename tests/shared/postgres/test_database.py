"""The database fixture is what it says: migrated, a role for each service, and a wall between them."""

import asyncpg
import pytest

from shared.postgres import migrations
from shared.postgres.setup import AUDITOR, CONSOLE, PROCESSES, SERVICES, create_roles_and_schemas
from tests.conftest import TestDatabase


async def test_each_role_logs_in_and_is_ordinary(database: TestDatabase) -> None:
    for role in (*PROCESSES, AUDITOR):
        connection = await asyncpg.connect(database.url(role))
        row = await connection.fetchrow(
            "select rolsuper, rolbypassrls, rolcreaterole from pg_roles where rolname = current_user"
        )
        await connection.close()
        assert row is not None and tuple(row) == (False, False, False)


async def test_a_service_owns_its_schema_and_nothing_else(database: TestDatabase) -> None:
    connection = await asyncpg.connect(database.url("rating"))
    await connection.execute("create table rating.probe (n int); insert into rating.probe values (7)")
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await connection.execute("create table billing.probe (n int)")
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await connection.execute("create table public.probe (n int)")
    await connection.close()

    other = await asyncpg.connect(database.url("billing"))
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await other.fetchval("select n from rating.probe")
    await other.close()


async def test_the_auditor_reads_what_services_make_later_and_writes_nothing(database: TestDatabase) -> None:
    service = await asyncpg.connect(database.url("signals"))
    await service.execute("create table signals.probe (n int); insert into signals.probe values (7)")
    await service.close()
    auditor = await asyncpg.connect(database.url(AUDITOR))
    assert await auditor.fetchval("select n from signals.probe") == 7
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await auditor.execute("delete from signals.probe")
    await auditor.close()


async def test_infrastructure_made_by_the_administrator_is_open_to_every_service(
    database: TestDatabase,
) -> None:
    admin = await asyncpg.connect(database.admin_url)
    await admin.execute("create table bus.probe (n int generated always as identity)")
    await admin.close()
    for service in SERVICES:
        connection = await asyncpg.connect(database.url(service))
        await connection.execute(
            "insert into bus.probe default values; update bus.probe set n = default where n = 1; delete from bus.probe"
        )
        await connection.close()


async def test_the_console_is_on_no_bus_and_the_auditor_reads_nothing_of_it(database: TestDatabase) -> None:
    console = await asyncpg.connect(database.url(CONSOLE))
    await console.execute("insert into console.people (name, role, added_at) values ('ana', 'leader', now())")
    for table in ("bus.positions", "clock.business", "rating.events"):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await console.fetchval(f"select count(*) from {table}")
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await console.execute("delete from console.audit")
    await console.close()
    auditor = await asyncpg.connect(database.url(AUDITOR))
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await auditor.fetchval("select count(*) from console.people")
    await auditor.close()


async def test_preparing_twice_changes_nothing(database: TestDatabase) -> None:
    first = await migrations.migrate_all(database.admin_url, database.secret)
    await create_roles_and_schemas(database.server_url, database.name, database.secret)
    assert await migrations.migrate_all(database.admin_url, database.secret) == first
    assert all(first.values())


@pytest.mark.parametrize("service", [schema for schema in migrations.schemas() if schema in PROCESSES])
async def test_the_migrated_schema_is_what_tables_py_describes(database: TestDatabase, service: str) -> None:
    assert await migrations.differences(database.admin_url, migrations.metadata_of(service), service) == []
