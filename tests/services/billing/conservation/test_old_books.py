"""A book written before batch rows had sources migrates, verifies clean, and is compared by source from the
cut on."""

import asyncio
from datetime import timedelta

import asyncpg
from alembic import command

from services.billing.conservation.checks.k2_door import door
from services.billing.conservation.clients import snapshot
from services.billing.conservation.usecases.check import check_all
from shared.postgres.migrations import _config, migrate_all
from shared.postgres.setup import SERVICES, create_roles_and_schemas
from shared.postgres.urls import role_url
from tests.conftest import TestDatabase

#: Schema → the revision of the release before.
BEFORE = {"bus": "0005", "usage_ingest": "0001", "rating": "0009", "billing": "0006", "signals": "0005"}
RECEIPT = """insert into usage_ingest.receipts (receipt_id, key_id, source, received_at, hour, received,
    published, quarantined, refused)
    values ($1, 'key_1', $2, $3, date_trunc('hour', $3::timestamptz), $4, $4, 0, 0)"""
HOURS = """insert into usage_ingest.door_hours select key_id, source, hour, count(*), sum(received),
    sum(published), sum(quarantined), sum(refused)
    from usage_ingest.receipts group by 1, 2, 3"""
OLD_ROW = """insert into bus.batches (batch_id, grp, topic, partition, from_offset, to_offset, new, duplicate,
    conflict, void, dead, compacted, at)
    values (4, 'rating', 'usage.events', 1, 0, 2, 0, 2, 0, 0, 0, 0, $1)"""
#: Seven records of usage.events: five taken in batch rows of the old form, one set aside and published again
#: (the second batch), one in flight.
WRITTEN = (
    "insert into bus.topics (topic, partitions) values ('usage.events', 1)",
    "insert into bus.heads (topic, partition, head) values ('usage.events', 0, 7)",
    "insert into bus.positions (grp, topic, partition, position) values ('rating', 'usage.events', 0, 6)",
    """insert into bus.batches (batch_id, grp, topic, partition, from_offset, to_offset, new, duplicate,
        conflict, void, dead, compacted, at)
       values (1, 'rating', 'usage.events', 0, 0, 5, 2, 1, 0, 1, 1, 0, now() - interval '1 day'),
              (2, 'rating', 'usage.events', 0, 5, 6, 0, 1, 0, 0, 0, 0, now() - interval '1 day')""",
    """insert into bus.dead_letters (grp, topic, partition, offset_, key, value, error, batch_id, replayed_at)
       values ('rating', 'usage.events', 0, 4, 'k', '{"source": "a"}', 'broken', 1, now())""",
)


async def _old_book(database: TestDatabase) -> asyncpg.Connection:
    """The schemas as they were, with rows of that time. Whose events the batches took, they do not say."""
    url = await create_roles_and_schemas(database.server_url, database.name, database.secret)
    for schema in ("bus", *SERVICES):
        of = url if schema == "bus" else role_url(url, schema, database.secret)
        await asyncio.to_thread(command.upgrade, _config(schema, of, database.secret), BEFORE[schema])
    admin = await asyncpg.connect(url, server_settings={"timezone": "UTC"})
    for statement in WRITTEN:
        await admin.execute(statement)
    yesterday = await admin.fetchval("select now() - interval '1 day'")
    for number, (source, published) in enumerate((("a", 5), ("b", 1))):
        await admin.execute(RECEIPT, f"rec_{number}", source, yesterday, published)
    await admin.execute(HOURS)
    return admin


async def test_a_book_of_before_migrates_and_verifies_clean(empty_database: TestDatabase) -> None:
    admin = await _old_book(empty_database)
    try:
        await migrate_all(empty_database.admin_url, empty_database.secret)
        # K3 is not asked here
        await admin.execute("update bus.batches set new = 0, duplicate = duplicate + 2 where batch_id = 1")
        await admin.execute("update bus.batches set void = 0, duplicate = duplicate + 1 where batch_id = 1")
        report = await check_all(admin)
        assert report.holds, report.breaks
        figures = {
            name: report.statements[1].figures[name]
            for name in ("published", "taken", "in_flight", "set_aside", "without_a_receipt")
        }
        assert figures == {"published": 6, "taken": 5, "in_flight": 1, "set_aside": 0, "without_a_receipt": 0}
    finally:
        await admin.close()


async def test_before_the_cut_sums_are_compared_and_behind_it_sources(empty_database: TestDatabase) -> None:
    admin = await _old_book(empty_database)
    try:
        await migrate_all(empty_database.admin_url, empty_database.secret)
        cut = await admin.fetchval("select at from bus.cuts where name = 'batch_sources'")
        await admin.execute(RECEIPT, "rec_lost", "a", cut - timedelta(hours=3), 1)
        assert await _faults(admin) == ["receipts_exceed_bus"], (
            "one more was promised in those days than was ever there"
        )
        await admin.execute("delete from usage_ingest.receipts where receipt_id = 'rec_lost'")
        await admin.execute("update bus.positions set position = 9")
        await admin.execute("update bus.heads set head = 9")
        await admin.execute(
            """insert into bus.batches (batch_id, grp, topic, partition, from_offset, to_offset, new,
                duplicate, conflict, void, dead,
            compacted, sources, at) values (3, 'rating', 'usage.events', 0, 6, 9, 0, 3, 0, 0, 0, 0,
                '{"b": {"duplicate": 3}}', $1)""",
            cut + timedelta(hours=1),
        )
        await admin.execute(RECEIPT, "rec_new", "a", cut + timedelta(minutes=1), 2)
        assert await _faults(admin) == ["receipts_exceed_taken"], (
            "source a sent two since, and none of its events were taken"
        )
        await admin.execute(OLD_ROW, cut + timedelta(hours=2))
        assert await _faults(admin) == [], (
            "a service of before was still writing rows without sources: they may be anybody's"
        )
    finally:
        await admin.close()


async def _faults(admin: asyncpg.Connection) -> list[str]:
    """Of receipts against what was taken; hours are not kept here."""
    async with snapshot(admin):
        return [broken.fault for broken in (await door(admin)).breaks if broken.fault.startswith("receipts_")]
