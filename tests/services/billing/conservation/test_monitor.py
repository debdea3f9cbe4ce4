"""The checker at work: a K1 break opens an exception with an owner, stops every finalization, and is over
when the row is back."""

from datetime import UTC, datetime

import asyncpg

from services.billing.conservation.clients import Auditor
from services.billing.conservation.domain.breaks import K
from services.billing.conservation.usecases.check import breaks_of
from services.billing.conservation.usecases.keep_exceptions import keep_exceptions
from services.billing.conservation.usecases.watch import Monitor
from shared.db.unit_of_work import Database
from tests.conftest import TestDatabase

NOW = datetime(2025, 3, 1, tzinfo=UTC)
PLACE = ("acme-2025", NOW)
RUNS = ((0, 10), (10, 25), (25, 31))


async def test_a_k1_break_stops_every_number_until_it_is_mended(database: TestDatabase) -> None:
    admin = await asyncpg.connect(database.admin_url)
    billing, auditor = Database(database.url("billing"), "billing"), Auditor(database.url("u2c_auditor"))
    monitor = Monitor(auditor)
    await billing.open()
    try:
        await _consumed(admin)
        await _looked(monitor, billing)
        assert monitor.transport.holds and not await _stopped(auditor)
        await admin.execute("delete from bus.batches where from_offset = 25")
        await _looked(monitor, billing)
        [exception] = await _open(admin)
        assert (
            exception["owner"] == "platform"
            and "from_offset=25" in exception["reference"]
            and "Expected" in exception["detail"]
        )
        assert await _stopped(auditor)
        await _batch(admin, 25, 31)
        await _looked(monitor, billing)
        assert await _open(admin) == [] and not await _stopped(auditor)
    finally:
        await billing.close()
        await admin.close()


async def test_what_is_gone_from_below_is_found_by_the_whole_check_alone(database: TestDatabase) -> None:
    admin, monitor = await asyncpg.connect(database.admin_url), Monitor(Auditor(database.url("u2c_auditor")))
    try:
        await _consumed(admin)
        await monitor.look()
        await admin.execute("delete from bus.batches where from_offset = 10")
        await monitor.look()
        assert monitor.transport.holds, "a look goes on from what was verified"
        await monitor.check()
        assert [(broken.fault, broken.where.key["from_offset"]) for broken in monitor.transport.breaks] == [
            ("batch_row_missing", 10)
        ]
        await monitor.look()
        assert not monitor.transport.holds, "and a clean look does not make it forgotten"
    finally:
        await admin.close()


async def _consumed(admin: asyncpg.Connection) -> None:
    await admin.execute("insert into bus.topics (topic, partitions) values ('usage.raw', 1)")
    await admin.execute("insert into bus.heads (topic, partition, head) values ('usage.raw', 0, 40)")
    await admin.execute(
        "insert into bus.positions (grp, topic, partition, position) values ('usage_ingest', 'usage.raw', 0, 31)"
    )
    for start, end in RUNS:
        await _batch(admin, start, end)


async def _batch(admin: asyncpg.Connection, start: int, end: int) -> None:
    await admin.execute(
        """insert into bus.batches (batch_id, grp, topic, partition, from_offset, to_offset, new, duplicate,
            conflict, void, dead, compacted)
           values (nextval('bus.batch_id'), 'usage_ingest', 'usage.raw', 0, $1::bigint, $2::bigint,
               $2::bigint - $1::bigint, 0, 0, 0, 0, 0)""",
        start,
        end,
    )


async def _looked(monitor: Monitor, billing: Database) -> None:
    await monitor.look()
    async with billing.transaction() as uow:
        await keep_exceptions(uow, monitor.transport, NOW)


async def _open(admin: asyncpg.Connection) -> list[asyncpg.Record]:
    return await admin.fetch("select * from billing.exceptions where resolved_at is null")


async def _stopped(auditor: Auditor) -> bool:
    """Whether K1 keeps a contract and period, whatever they are, from being invoiced."""
    async with auditor.connection() as connection:
        return any(
            broken.k is K.TRANSPORT
            for breaks in (await breaks_of(connection, [PLACE])).values()
            for broken in breaks
        )
