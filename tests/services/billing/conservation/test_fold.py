"""What the checker reads of the fold, on a book written by hand: packed rows by SQL of its own, raw events up to
the watermark of its own snapshot."""

import hashlib
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import asyncpg
import pytest

from services.billing.conservation.checks.k4_admission import admission
from services.billing.conservation.checks.k4_aggregates import aggregates
from services.billing.conservation.checks.k4_fold import fold
from services.billing.conservation.clients import snapshot
from services.billing.conservation.domain.breaks import Checked, merged
from tests.conftest import TestDatabase

NOON = datetime(2025, 1, 10, 12, tzinfo=UTC)
DAY = NOON.date()
HOUR = timedelta(hours=1)
WIDE = Decimal("9999999999999999999.000000000001")
VERSION = 7  # of every meter here
METERS = {
    "calls": ("count", None, ["region"]),
    "bytes": ("sum", "bytes", []),
    "users": ("unique", "user", []),
}


@dataclass
class Book:
    """A database whose tables are filled one row at a time."""

    admin: asyncpg.Connection
    events: int = 0

    async def begin(self) -> None:
        await self.admin.execute("insert into rating.group_limits (groups_max) values (1000)")
        for meter, (aggregation, field, dimensions) in METERS.items():
            await self.admin.execute(
                """insert into rating.meters (meter, revision, event_type, aggregation, field, missing, group_by,
                    filters, created_at, backfilled, counts_since)
                   values ($1, $2, 'call', $3, $4, 'ignore', $5, '{}', now(), true, $2)""",
                meter,
                VERSION,
                aggregation,
                field,
                dimensions,
            )
            await self.admin.execute("insert into rating.series_read values ($1, $2)", meter, VERSION)

    async def batch(self, partition: int, batch_id: int, *events: dict[str, Any], voids: int = 0) -> None:
        """Store a batch of usage, with the delta it leaves."""
        offset = await self.admin.fetchval(
            "select coalesce(max(to_offset), 0) from bus.batches where partition = $1", partition
        )
        await self.admin.execute(
            """insert into bus.batches (batch_id, grp, topic, partition, from_offset, to_offset, new, duplicate,
                conflict, void, dead, compacted)
               values ($1, 'rating', 'usage.events', $2, $3::bigint, $3::bigint + $4 + $5, $4, 0, 0, $5, 0, 0)""",
            batch_id,
            partition,
            offset,
            len(events),
            voids,
        )
        await self.admin.execute("insert into rating.usage_deltas values ($1, $2, '')", partition, batch_id)
        for seq, data in enumerate(events):
            self.events += 1
            await self.admin.execute(
                """insert into rating.events (batch_id, seq, partition, received_at, key, source, id, type, subject,
                    time, data) values ($1, $2, $3, now(), $4, 'hand', $5, 'call', 'acme', $6, $7)""",
                batch_id,
                seq,
                partition,
                _key(self.events),
                str(self.events),
                data.pop("time", NOON),
                data,
            )

    async def void(self, event: int, partition: int, batch_id: int) -> None:
        """Take an event back, by its number in order of arrival."""
        await self.admin.execute(
            """insert into rating.voids (key, source, id, batch_id, partition, received_at)
               values ($1, 'hand', $2, $3, $4, now())""",
            _key(event),
            str(event),
            batch_id,
            partition,
        )

    async def fold(self, **watermark: int) -> None:
        """Let the fold have come so far: partition (p0, p1, …) → batch id."""
        places = {partition[1:]: batch_id for partition, batch_id in watermark.items()}
        await self.admin.execute("update rating.fold_state set watermark = watermark || $1", places)
        await self.admin.execute(
            """delete from rating.usage_deltas d
               where batch_id <= (select (watermark ->> d.partition::text)::bigint from rating.fold_state)"""
        )

    async def series(self, meter: str, group: str = "{}", since: int = VERSION) -> int:
        found: int = await self.admin.fetchval(
            """insert into rating.usage_series (meter, since, grp) values ($1, $2, $3)
               on conflict (meter, since, grp) do update set grp = excluded.grp returning series_no""",
            meter,
            since,
            group,
        )
        return found

    async def subject(self, name: str = "acme") -> int:
        found: int = await self.admin.fetchval(
            """insert into rating.usage_subjects (subject) values ($1)
               on conflict (subject) do update set subject = excluded.subject returning subject_no""",
            name,
        )
        return found

    async def pack(
        self, *elements: tuple[int, int, Decimal | int], hour: datetime = NOON, scale: int = 0
    ) -> None:
        """A packed hour of elements (series, events, value): integers in units of the scale, or the long way."""
        wide = scale < 0
        await self.admin.execute(
            "insert into rating.usage_packed_hours values ($1, $2, $3, $4, $5, $6, $7)",
            await self.subject(),
            hour,
            max(scale, 0),
            [series for series, _, _ in elements],
            [events for _, events, _ in elements],
            None if wide else [int(value * 10**scale) for _, _, value in elements],
            [Decimal(value) for _, _, value in elements] if wide else None,
        )

    async def pack_day(self, *elements: tuple[int, int, int], day: date = DAY) -> None:
        await self.admin.execute(
            "insert into rating.usage_packed_days values ($1, $2, 0, $3, $4, $5, null)",
            await self.subject(),
            day,
            [series for series, _, _ in elements],
            [events for _, events, _ in elements],
            [value for _, _, value in elements],
        )

    async def item(self, item: str, events: int, hour: datetime = NOON) -> None:
        await self.admin.execute(
            "insert into rating.usage_items values ($1, $2, $3, $4, $5)",
            await self.subject(),
            await self.series("users"),
            hour,
            item,
            events,
        )

    async def admit(self, group: str) -> None:
        await self.admin.execute(
            "insert into rating.admitted_groups values ('calls', $1, '2025-01-01', '', $2, 1) on conflict do nothing",
            VERSION,
            group,
        )

    async def roll(self, rolled: date, rolling: date, subject: int) -> None:
        """Let days be rolled up before `rolling` for subjects up to this one, before `rolled` for the others."""
        await self.admin.execute(
            """update rating.fold_state
               set rolled_before = $1, rolling_before = $2, rolling_subject = $3""",
            rolled,
            rolling,
            subject,
        )

    async def checked(self) -> Checked:
        async with self.admin.transaction(isolation="repeatable_read", readonly=True), snapshot(self.admin):
            return merged([await check(self.admin, None) for check in (aggregates, admission, fold)])

    async def faults(self) -> list[tuple[str, str]]:
        return [(broken.fault, broken.where.table) for broken in (await self.checked()).breaks]


def _key(number: int) -> bytes:
    return hashlib.sha256(str(number).encode()).digest()[:16]


@pytest.fixture
async def written(database: TestDatabase) -> AsyncIterator[Book]:
    admin = await asyncpg.connect(database.admin_url, server_settings={"timezone": "UTC"})
    await admin.set_type_codec("jsonb", encoder=json.dumps, decoder=json.loads, schema="pg_catalog")
    try:
        found = Book(admin)
        await found.begin()
        yield found
    finally:
        await admin.close()


KEEP_VERSIONS = """
    insert into rating.meter_versions (meter, revision, event_type, aggregation, field, missing, group_by, filters, cut,
        counts_since, recorded_at)
    select meter, revision, event_type, aggregation, field, missing, group_by, filters, '{}', counts_since, now()
    from rating.meters"""
EU, US = '{"region":"eu"}', '{"region":"us"}'


async def test_integers_in_units_of_a_scale_exact_numbers_and_items_are_read(written: Book) -> None:
    await written.batch(
        0, 1, {"region": "eu", "bytes": "0.000000000001", "user": "u"}, {"region": "us", "user": "u"}
    )
    await written.batch(
        0,
        2,
        {"region": "eu", "bytes": "-3.25", "time": NOON + HOUR},
        {"bytes": str(WIDE), "time": NOON + 2 * HOUR},
    )
    eu, us, none, size = (
        await written.series("calls", EU),
        await written.series("calls", US),
        await written.series("calls", '{"region":""}'),
        await written.series("bytes"),
    )
    for group in (EU, US, '{"region":""}'):
        await written.admit(group)
    await written.pack((eu, 1, 1), (us, 1, 1), (size, 1, Decimal("0.000000000001")), scale=12)
    await written.pack((eu, 1, 1), (size, 1, Decimal("-3.25")), hour=NOON + HOUR, scale=2)
    await written.pack((none, 1, 1), (size, 1, WIDE), hour=NOON + 2 * HOUR, scale=-1)
    await written.item("u", 2)
    await written.fold(p0=2)
    assert await written.faults() == []
    figures = (await written.checked()).figures
    assert (figures["hours"], figures["uniques"], figures["not_folded"]) == (7, 1, 0)
    await written.admin.execute("update rating.usage_packed_hours set scale = 3 where scale = 2")
    assert await written.faults() == [("aggregate_off", "rating.usage_packed_hours")] * 2, (
        "eu's call counts a tenth"
    )
    await written.admin.execute("update rating.usage_packed_hours set scale = 2 where scale = 3")
    await written.admin.execute(
        "update rating.usage_packed_hours set wide[2] = wide[2] + 1e-12 where wide is not null"
    )
    assert await written.faults() == [("aggregate_off", "rating.usage_packed_hours")]


async def test_what_is_not_folded_is_in_no_aggregate_and_no_break(written: Book) -> None:
    """Two partitions: the lower batch is the later one."""
    calls = await written.series("calls", EU)
    await written.admit(EU)
    await written.batch(0, 2, {"region": "eu"}, {"region": "eu"})
    await written.batch(1, 1, {"region": "eu"}, {"region": "eu"}, {"region": "eu"})
    await written.pack((calls, 2, 2))
    await written.fold(p0=2)
    assert await written.faults() == [] and (await written.checked()).figures["not_folded"] == 3
    await written.batch(0, 3, voids=1)
    await written.void(1, 0, 3)
    assert await written.faults() == [] and (await written.checked()).figures["not_folded"] == 4, (
        "the void too waits"
    )
    await written.admin.execute("update rating.usage_packed_hours set events = '{4}', vals = '{4}'")
    await written.fold(p0=3, p1=1)
    assert await written.faults() == [] and (await written.checked()).figures["not_folded"] == 0


async def test_what_waits_for_a_quarter_of_an_hour_is_named(written: Book) -> None:
    await written.batch(3, 1, {"region": "eu"})
    await written.admin.execute("update bus.batches set at = at - interval '14 minutes'")
    assert await written.faults() == []
    await written.admin.execute("update bus.batches set at = at - interval '1 minute'")
    [broken] = (await written.checked()).breaks
    assert (broken.fault, broken.where.key, broken.owner) == ("fold_stands", {"partition": 3}, "rating")


async def test_a_watermark_past_what_was_not_added_is_named(written: Book) -> None:
    calls = await written.series("calls", EU)
    await written.admit(EU)
    await written.batch(0, 1, {"region": "eu"})
    await written.pack((calls, 1, 1))
    await written.fold(p0=1)
    await written.batch(0, 2, {"region": "eu"})
    await written.admin.execute("""update rating.fold_state set watermark = '{"0": 2}'""")
    assert await written.faults() == [
        ("aggregate_off", "rating.usage_packed_hours"),
        ("fold_skipped", "rating.usage_deltas"),
    ]
    await written.admin.execute("""update rating.fold_state set watermark = '{"0": 1}'""")
    assert await written.faults() == []
    await written.admin.execute("delete from rating.usage_deltas")
    assert await written.faults() == [("delta_missing", "rating.usage_deltas")]


async def test_a_series_nobody_reads_counts_for_nobody(written: Book) -> None:
    """A version that is being filled stands beside the one that is read."""
    calls, filled = await written.series("calls", EU), await written.series("calls", EU, VERSION + 1)
    await written.admit(EU)
    await written.batch(0, 1, {"region": "eu"})
    await written.pack((calls, 1, 1), (filled, 5, 5))
    await written.fold(p0=1)
    assert await written.faults() == []
    await written.admin.execute(KEEP_VERSIONS)
    await written.admin.execute(
        """update rating.meters set filters = '{"region": ["us"]}', backfilled = false,
            counts_since = counts_since + 1, revision = revision + 1"""
    )
    assert await written.faults() == [], "while events are added up by the new terms, the old ones are read"
    await written.admin.execute("update rating.usage_packed_hours set events = '{2,5}'")
    assert await written.faults() == [("aggregate_off", "rating.usage_packed_hours")]
    await written.admin.execute("update rating.usage_packed_hours set events = '{1,5}'")
    await written.admin.execute("update rating.meters set backfilled = true")
    await written.admin.execute("update rating.series_read set since = since + 1")
    assert await written.faults() == [
        ("aggregate_off", "rating.usage_packed_hours"),
        ("admission_missing", "rating.admitted_groups"),
    ], "five events are read where none is taken, and the group is admitted by the terms of before"


async def test_days_are_held_against_hours_where_they_are_rolled_up(written: Book) -> None:
    calls, subject = await written.series("calls", EU), await written.subject()
    await written.admit(EU)
    await written.batch(0, 1, {"region": "eu"}, {"region": "eu", "time": NOON + HOUR})
    await written.pack((calls, 1, 1))
    await written.pack((calls, 1, 1), hour=NOON + HOUR)
    await written.fold(p0=1)
    following, day_off = DAY + timedelta(days=1), [("day_off", "rating.usage_packed_days")]
    await written.roll(DAY, following, subject - 1)
    assert await written.faults() == [], "it is not this subject's turn yet"
    await written.roll(DAY, following, subject)
    assert await written.faults() == day_off, "rolled up, and no day is there"
    await written.pack_day((calls, 2, 2))
    assert await written.faults() == []
    await written.roll(following, following, 0)
    assert await written.faults() == []
    await written.admin.execute("update rating.usage_packed_days set vals = '{3}'")
    assert await written.faults() == day_off
    await written.roll(DAY, DAY, 0)
    assert await written.faults() == day_off, "a day that is there before its turn is read twice"


async def test_a_book_of_before_is_read_beside_the_packed_one(written: Book) -> None:
    await written.admit(EU)
    await written.batch(0, 1, {"region": "eu", "user": "u"})
    await written.fold(p0=1)
    for table, bucket in (("old_usage_hours", NOON), ("old_usage_days", DAY)):
        await written.admin.execute(
            f"insert into rating.{table} values ('acme', 'calls', $1, $2, 1, 1)", EU, bucket
        )
    await written.admin.execute(
        "insert into rating.old_usage_uniques values ('acme', 'users', '{}', $1, 'u', 1)", NOON
    )
    assert await written.faults() == []
    for table, fault in (("hours", "aggregate_off"), ("days", "day_off"), ("uniques", "aggregate_off")):
        async with written.admin.transaction():
            await written.admin.execute(f"update rating.old_usage_{table} set events = 2")
            faults = {broken.where.table: broken.fault for broken in await _breaks(written)}
            assert faults[f"rating.old_usage_{table}"] == fault
            await written.admin.execute(f"update rating.old_usage_{table} set events = 1")


async def _breaks(of: Book) -> list[Any]:
    parts = [await check(of.admin, None) for check in (aggregates, admission, fold)]
    return list(merged(parts).breaks)


async def test_a_group_that_nothing_admits_is_named(written: Book) -> None:
    calls = await written.series("calls", EU)
    await written.batch(0, 1, {"region": "eu"})
    await written.pack((calls, 1, 1))
    await written.fold(p0=1)
    assert await written.faults() == [("admission_missing", "rating.admitted_groups")]
