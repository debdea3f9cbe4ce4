"""A role writes only what its service produces: whoever steals billing's password invents no usage, no key
and no time."""

import asyncpg
import pytest

from shared.bus import Record
from shared.bus.postgres_log import PostgresLog
from shared.postgres.migrations import migrate_all
from shared.postgres.setup import SERVICES, create_roles_and_schemas
from shared.topics import ALL
from tests.conftest import TestDatabase
from tests.system.security.writing import tried


@pytest.mark.parametrize("service", SERVICES)
async def test_a_role_puts_records_on_its_own_topics_and_on_no_other(
    database: TestDatabase, service: str
) -> None:
    pool = await asyncpg.create_pool(database.url(service), min_size=1, max_size=2)
    bus = PostgresLog(pool)
    await bus.start()
    try:
        written, refusals = await tried(bus)
        assert all("row-level security" in refusal for refusal in refusals)
        assert written == {name for name, topic in ALL.items() if service in topic.producers} != set()
        heads = {topic: sum((await bus.heads(topic)).values()) for topic in ALL}
        assert {topic for topic, head in heads.items() if head} == written, "what was refused left nothing"
        assert "usage.raw" not in written, "products speak there"
    finally:
        await bus.stop()
        await pool.close()


async def test_a_role_deletes_nothing_of_what_others_said(database: TestDatabase) -> None:
    ingest, billing = (
        await asyncpg.connect(database.url("usage_ingest")),
        await asyncpg.connect(database.url("billing")),
    )
    try:
        pool = await asyncpg.create_pool(database.url("usage_ingest"), min_size=1, max_size=2)
        bus = PostgresLog(pool)
        await bus.start()
        await bus.publish("usage.events", [Record(b"k", b"{}")])
        await bus.stop()
        await pool.close()
        assert await billing.execute("delete from bus.segments") == "DELETE 0"
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await billing.execute("update bus.heads set head = 7 where topic = 'usage.events'")
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await billing.execute(
                "insert into bus.topic_writers values ('usage.events', 'u2c_billing', true)"
            )
        assert await ingest.execute("delete from bus.segments") == "DELETE 1"
    finally:
        await ingest.close()
        await billing.close()


@pytest.mark.parametrize("service", SERVICES)
async def test_only_rating_moves_the_business_clock(database: TestDatabase, service: str) -> None:
    connection = await asyncpg.connect(database.url(service))
    try:
        move = "update clock.business set moved_to = now(), revision = revision + 1"
        if service == "rating":
            assert await connection.execute(move) == "UPDATE 1"
        else:
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.execute(move)
        for statement in ("delete from clock.business", "insert into clock.business (one) values (false)"):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.execute(statement)
    finally:
        await connection.close()


async def test_migrating_again_opens_nothing_for_a_moment_and_follows_the_registry(
    database: TestDatabase,
) -> None:
    admin = await asyncpg.connect(database.admin_url)
    try:
        await admin.execute("insert into bus.topic_writers values ('usage.events', 'u2c_billing', true)")
        await admin.execute("grant update on clock.business to u2c_billing")
        # its first step takes back what it grants
        await create_roles_and_schemas(database.server_url, database.name, database.secret)
        may = "select has_table_privilege('u2c_billing', 'clock.business', 'update')"
        assert not await admin.fetchval(may)
        await migrate_all(database.admin_url, database.secret)
        assert not await admin.fetchval(may)
        writers = {
            (row["topic"], row["role"])
            for row in await admin.fetch("select topic, role from bus.topic_writers where appends")
        }
        assert writers == {
            (name, f"u2c_{producer}")
            for name, topic in ALL.items()
            for producer in topic.producers
            if producer != "products"
        }
    finally:
        await admin.close()
