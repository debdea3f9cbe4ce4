"""A group counts as itself where it has its row, and in `other` where not, whatever happens at the same time;
named values have theirs."""

import asyncio
import random
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from zlib import crc32

import asyncpg
import msgspec
import pytest

from services.rating.metering.domain.group import NO_GROUP, OTHER, group_of
from services.rating.metering.fold.memory import FoldMemory
from services.rating.metering.fold.usecases.add_changes import Holding
from services.rating.metering.fold.usecases.fold import folding
from services.rating.metering.naming.usecases import (
    CountedAhead,
    NamedValue,
    SubjectMonth,
    ask_recounts,
    count_ahead,
    name_values,
    recount_step,
)
from shared.db.unit_of_work import Database
from shared.postgres.migrations import migrate_all
from shared.runtime.clock import from_us
from shared.topics.usage_ingest import UsageMessage
from tests.conftest import TestDatabase
from tests.services.rating.metering import book
from tests.services.rating.metering.batches import NOW, Metering, event, void
from tests.services.rating.metering.book import aggregates, backfilled, changed, downgraded, meter, rows
from tests.services.rating.metering.oracle import standing

LIMIT = 3
MARCH = date(2026, 3, 1)
METERS = {"calls": book.CALLS, "users": book.USERS}


async def test_few_groups_have_one_row_for_everyone_and_many_one_for_each_subject(db: Database) -> None:
    metering = Metering(db, groups_max=LIMIT, batch_ids=None)
    await meter(db, "calls", **book.CALLS)
    await metering.take(
        *[
            event(f"{subject}{n}", subject, data={"region": f"r{n}"})
            for subject in ("acme", "beta")
            for n in range(LIMIT)
        ]
    )
    assert await admitted(db, "calls") == {("", f"r{n}") for n in range(LIMIT)}
    await metering.take(event("a9", data={"region": "r9"}))
    own = {(subject, f"r{n}") for subject in ("acme", "beta") for n in range(LIMIT)}
    assert await admitted(db, "calls") == own | {("", f"r{n}") for n in range(LIMIT)} | {
        ("", "other"),
        ("acme", "other"),
    }
    await metering.take(event("b9", "beta", data={"region": "r9"}), event("c9", "new", data={"region": "r9"}))
    assert (await counted(db, "calls")).items() >= {("beta", OTHER): 1, ("new", region("r9")): 1}.items()


async def test_a_named_value_needs_no_room(db: Database) -> None:
    metering = Metering(db, groups_max=LIMIT, batch_ids=None)
    await meter(db, "calls", **book.CALLS)
    assert await named(db, "r8") == []
    await metering.take(*[event(str(n), data={"region": f"r{n}"}) for n in range(LIMIT + 2)])
    await metering.take(event("late", data={"region": "r8"}))
    assert await counted(db, "calls") == {
        **{("acme", region(f"r{n}")): 1 for n in (*range(LIMIT), 8)},
        ("acme", OTHER): 2,
    }


async def test_what_is_named_late_is_counted_again_where_that_is_asked_and_nowhere_else(db: Database) -> None:
    metering = Metering(db, groups_max=LIMIT, batch_ids=None)
    for name, terms in METERS.items():
        await meter(db, name, **terms)
    april = NOW + timedelta(days=30)
    for at, run in ((NOW, "m"), (april, "a")):
        await metering.take(
            *[
                event(f"{run}{n}", data={"region": f"r{n}", "user": f"u{n % 2}"}, time=at)
                for n in range(LIMIT + 4)
            ]
        )
    await metering.take(void("a4"))
    turned_away = await named(db, "r4", "r5", "r6", meters=("calls", "users"))
    assert turned_away == [
        SubjectMonth(name, "acme", month) for name in METERS for month in (MARCH, date(2026, 4, 1))
    ]
    await rows(db, "delete from rating.marks")
    async with db.transaction() as uow:
        await ask_recounts(uow, [place for place in turned_away if place.month > MARCH])
    while await recounted(db):
        pass
    march, after = (
        {region(f"r{n}"): 1 for n in range(LIMIT)},
        {region(f"r{n}"): 1 for n in (*range(LIMIT), 5, 6)},
    )
    for name in METERS:
        assert await counted(db, name, MARCH) == {
            ("acme", group): count for group, count in {**march, OTHER: 4}.items()
        }
        # r3
        assert await counted(db, name, date(2026, 4, 1)) == {
            ("acme", group): count for group, count in {**after, OTHER: 1}.items()
        }
    assert {row["day"] for row in await rows(db, "select day from rating.marks")} == {april.date()}
    again = (
        event("m5+", data={"region": "r5", "user": "ann"}),
        event("a4+", time=april, data={"region": "r4", "user": "x"}),
    )
    await metering.take(void("m5"), void("a5"), *again)
    assert (await counted(db, "calls", MARCH))["acme", OTHER] == 4, (
        "March keeps `other`: one void, and one that is named, taken and added there"
    )
    assert (await counted(db, "calls", date(2026, 4, 1))).items() >= {
        ("acme", region("r4")): 1,
        ("acme", OTHER): 1,
    }.items()
    assert ("acme", region("r5")) not in await counted(db, "calls", date(2026, 4, 1))


@pytest.mark.parametrize("named_meanwhile", [False, True])
async def test_what_comes_between_counting_ahead_and_the_recount_is_in_it(
    db: Database, named_meanwhile: bool
) -> None:
    """Events and voids, of what was counted ahead and of what was not; and a name, which makes that worth nothing."""
    metering = Metering(db, groups_max=LIMIT, batch_ids=None)
    for name, terms in METERS.items():
        await meter(db, name, **terms)
    sent = [event(str(n), data={"region": f"r{n % 9}", "user": f"u{n % 4}"}) for n in range(40)]
    await metering.take(*sent)
    async with db.transaction() as uow:
        await ask_recounts(uow, await name_values(uow, [NamedValue(name, "region", "r7") for name in METERS]))
    more = [
        event("r7", data={"region": "r7", "user": "new"}),
        event("r8", data={"region": "r8", "user": "new"}),
        void("7"),
        void("r7"),
        *(event(f"more{n}", data={"region": "r7", "user": f"u{n}"}) for n in range(9)),
        void("more0"),
        void("0"),
    ]
    known = await ahead(db)
    await metering.take(*more[:4])
    await metering.take(*more[4:])
    if named_meanwhile:
        async with db.transaction() as uow:
            await ask_recounts(
                uow, await name_values(uow, [NamedValue(name, "region", "r8") for name in METERS])
            )
    assert await recounted_from(db, known)
    while await recounted(db):
        pass
    await agrees(db, [*sent, *more])
    moved = {region(name) for name in (("r7", "r8") if named_meanwhile else ("r7",))}
    assert moved <= {group for _, group in await counted(db, "calls")}


async def test_what_was_counted_ahead_and_is_void_since_leaves_no_row(db: Database) -> None:
    metering = Metering(db, groups_max=LIMIT, batch_ids=None)
    for name, terms in METERS.items():
        await meter(db, name, **terms)
    sent = [event(str(n), data={"region": f"r{n}", "user": "u"}) for n in range(LIMIT + 2)]
    await metering.take(*sent)
    async with db.transaction() as uow:
        await ask_recounts(uow, await name_values(uow, [NamedValue("calls", "region", f"r{LIMIT}")]))
    known = await ahead(db)
    await metering.take(void(str(LIMIT)))
    assert await recounted_from(db, known)
    assert ("acme", f"r{LIMIT}") not in await admitted(db, "calls")
    await agrees(db, [*sent, void(str(LIMIT))])


async def test_a_process_that_knows_a_group_still_learns_that_the_month_is_crowded(db: Database) -> None:
    one, two = Metering(db, groups_max=LIMIT, batch_ids=None), Metering(db, groups_max=LIMIT, batch_ids=None)
    two.positions = one.positions
    await meter(db, "calls", **book.CALLS)
    await one.take(*[event(f"b{n}", "beta", data={"region": f"r{n}"}) for n in range(LIMIT)])
    await two.take(event("t", "beta", data={"region": "r0"}))
    await two.take(event("u", "beta", data={"region": "r0"}))  # remembers what stands for everyone
    await one.take(*[event(f"a{n}", data={"region": f"s{n}"}) for n in range(LIMIT + 1)])
    await two.take(event("a", data={"region": "r0"}))
    assert (await counted(db, "calls"))["acme", OTHER] == 2


async def test_terms_that_count_otherwise_begin_with_room_and_old_rows_stay(db: Database) -> None:
    metering = Metering(db, groups_max=LIMIT, batch_ids=None)
    await meter(db, "calls", **book.CALLS)
    await metering.take(
        *[event(str(n), data={"region": f"r{n}", "plan": f"p{n % 2}"}) for n in range(LIMIT + 2)]
    )
    before = await rows(db, "select * from rating.admitted_groups")
    await changed(db, "calls", **book.CALLS, list_price={"currency": "USD", "unit": "1"})
    await metering.take(event("more", data={"region": "r7", "plan": "p1"}))
    assert len(await rows(db, "select * from rating.admitted_groups")) == len(before)
    await changed(db, "calls", **{**book.CALLS, "group_by": ["plan"]})
    await backfilled(db, groups_max=LIMIT)
    assert await counted(db, "calls") == {("acme", '{"plan":"p0"}'): 3, ("acme", '{"plan":"p1"}'): 3}
    after = await rows(db, "select * from rating.admitted_groups")
    assert all(row in after for row in before) and len(after) == len(before) + 2


@pytest.mark.parametrize("seed", range(4))
async def test_whatever_happens_at_once_the_rows_say_where_everything_is_counted(
    db: Database, seed: int
) -> None:
    """Three partitions in two processes, voids, names given and counted again in between: aggregates are the
    events by the rows."""
    rng = random.Random(seed)
    for name, terms in METERS.items():
        await meter(db, name, **terms)
    sent = crowd(rng, 700)
    parts = [[message for message in sent if crc32(message.id.encode()) % 3 == part] for part in range(3)]
    first = Metering(db, groups_max=LIMIT, batch_ids=None)
    second = Metering(db, groups_max=LIMIT, batch_ids=None)
    second.positions = first.positions

    async def deliver(part: int) -> None:
        left = parts[part]
        while left:
            size = rng.randrange(1, 60)
            await rng.choice((first, second)).take(*left[:size], partition=part)
            left = left[size:]

    async def name_values() -> None:
        for _ in range(6):
            await asyncio.sleep(0.02)
            turned_away = await named(db, f"r{rng.randrange(9)}", meters=("calls", "users"))
            async with db.transaction() as uow:
                await ask_recounts(uow, [place for place in turned_away if rng.random() < 0.7])
            while await recounted(db):
                pass

    await asyncio.gather(*(deliver(part) for part in range(3)), name_values())
    await agrees(db, sent)
    for limit in (
        "select subject, meter, month, count(*) from rating.admitted_groups a where grp <> $1 and not exists (select from rating.named_values n "
        "where n.meter = a.meter and n.value = a.grp::jsonb ->> 'region') group by 1, 2, 3 having count(*) > $2",
    ):
        assert await rows(db, limit, OTHER, LIMIT) == []


async def test_a_book_of_before_migrates_to_rows_that_say_what_it_counted(
    database: TestDatabase, db: Database
) -> None:
    """What one list of groups, or a subject's aggregates, admitted has its rows; named values of today were
    named after that."""
    metering = Metering(db, groups_max=LIMIT, batch_ids=None)
    for name, terms in METERS.items():
        await meter(db, name, **terms)
    sent = [
        event(f"{subject}{n}", subject, data={"region": f"r{n}", "user": "ann"})
        for subject in ("acme", "beta")
        for n in range(LIMIT)
    ]
    sent += [
        event(f"c{n}", "acme", NOW - timedelta(days=20), {"region": f"r{n}", "user": "ann"}) for n in range(2)
    ]
    sent += [event("a9", data={"region": "r9", "user": "bob"})]
    await metering.take(*sent)
    was = await rows(db, ROWS)
    await downgraded(database, "0021")
    admin = await asyncpg.connect(database.admin_url)
    await admin.execute(BEFORE)
    await admin.close()
    await migrate_all(database.admin_url, database.secret)
    # In a crowded month what stood for everyone before it was is not told any more, nor needed.
    assert await rows(db, ROWS) == [
        row for row in was if row["subject"] or row["grp"] == OTHER or row["month"] < MARCH
    ]
    assert await rows(db, "select subject from rating.activity_due") == [{"subject": "acme"}], (
        "what was not told yet is told again"
    )
    await agrees(db, sent)
    more = event("a8", data={"region": "r8", "user": "u"})
    await Metering(db, groups_max=LIMIT, positions=metering.positions, batch_ids=None).take(more)
    await agrees(db, [*sent, more])


ROWS = "select meter, meter_revision, month, subject, grp from rating.admitted_groups order by 1, 3, 4, 5"
#: The schema and the rows of the revision before: aggregates in rows, and one list of groups a month.
BEFORE = """
    create temp table hours as select * from rating.usage_hours;
    create temp table days as select * from rating.usage_days;
    create temp table uniques as select * from rating.usage_uniques;
    drop view rating.usage_hours, rating.usage_days, rating.usage_uniques;
    drop table rating.usage_subjects, rating.usage_series, rating.series_read, rating.replaced_terms, rating.usage_deltas,
        rating.fold_state, rating.usage_packed_hours, rating.usage_packed_days, rating.usage_items;
    alter table rating.old_usage_hours rename to usage_hours;
    alter table rating.old_usage_days rename to usage_days;
    alter table rating.old_usage_uniques rename to usage_uniques;
    insert into rating.usage_hours (subject, meter, grp, hour, events, value)
        select subject, meter, grp, hour, events, value from hours;
    insert into rating.usage_days (subject, meter, grp, day, events, value)
        select subject, meter, grp, day, events, value from days;
    insert into rating.usage_uniques (subject, meter, grp, hour, item, events)
        select subject, meter, grp, hour, item, events from uniques;
    create table rating.newest_received (partition smallint primary key, received_at timestamptz not null);
    alter table rating.newest_received owner to u2c_rating;
    drop table rating.activity_due;
    create table rating.activity_due (subject text collate "C", day date, type text collate "C",
        since timestamptz not null default clock_timestamp(), primary key (subject, day, type));
    create table rating.activity_marks (subject text collate "C" not null, day date not null,
        type text collate "C" not null default '');
    alter table rating.activity_due owner to u2c_rating;
    alter table rating.activity_marks owner to u2c_rating;
    insert into rating.activity_marks (subject, day) values ('acme', '2026-03-10'), ('acme', '2026-03-11');
    create table rating.meter_groups (meter text collate "C", month date, grp text collate "C",
        primary key (meter, month, grp));
    alter table rating.meter_groups owner to u2c_rating;
    insert into rating.meter_groups select meter, month, grp from rating.admitted_groups where subject = '';
    drop table rating.admitted_groups, rating.group_limits, rating.named_values, rating.recounts;
    alter table rating.meters drop column counts_since;
    alter table rating.meter_versions drop column counts_since;
    drop index rating.stale_due;
    alter table rating.stale drop column seldom, drop column due_us, add column priced_us bigint not null default 0;
    alter table rating.marks drop column at_once;
    update rating.alembic_version set version_num = '0016';
"""


def crowd(rng: random.Random, size: int) -> list[UsageMessage]:
    """Events of three subjects over two months in more regions than there is room for, many of them void
    again."""
    sent: list[UsageMessage] = []
    for n in range(size):
        at = datetime(2026, rng.choice((3, 4)), rng.randrange(1, 20), rng.randrange(24), tzinfo=UTC)
        region_of = f"r{min(int(rng.expovariate(0.35)), 8)}"
        sent.append(
            event(
                str(n),
                rng.choice(("acme", "acme", "beta", "tiny")),
                at,
                {"region": region_of, "user": f"u{rng.randrange(4)}"},
            )
        )
        if rng.random() < 0.2:
            sent.append(void(str(rng.randrange(n + 1))))
    return sent


async def agrees(db: Database, sent: list[UsageMessage]) -> None:
    """Assert that the aggregates are what the standing events make by the rows."""
    stored = await rows(db, "select meter, month, subject, grp from rating.admitted_groups")
    admitted_rows = {(row["meter"], row["month"], row["subject"], row["grp"]) for row in stored}
    for name in METERS:
        expected: Counter[tuple[date, str, str]] = Counter()
        for message in standing(sent):
            when = from_us(message.time_us).date().replace(day=1)
            group = region(msgspec.json.decode(bytes(message.data))["region"])
            subject = message.subject if (name, when, "", OTHER) in admitted_rows else ""
            expected[
                when, message.subject, group if (name, when, subject, group) in admitted_rows else OTHER
            ] += 1
        found = {
            (month, subject, group): count
            for month in (date(2026, 2, 1), MARCH, date(2026, 4, 1))
            for (subject, group), count in (await counted(db, name, month)).items()
        }
        assert found == expected, name


def region(value: str) -> str:
    return group_of({"region": value})


async def admitted(db: Database, name: str) -> set[tuple[str, str]]:
    found = await rows(db, "select subject, grp from rating.admitted_groups where meter = $1", name)
    return {
        (row["subject"], "other" if row["grp"] == OTHER else msgspec.json.decode(row["grp"])["region"])
        for row in found
    }


async def counted(db: Database, name: str, month: date | None = None) -> dict[tuple[str, str], int]:
    """(subject, group) → events, of a meter in a month (None: all)."""
    found = await aggregates(db)
    counts: Counter[tuple[str, str]] = Counter()
    for (subject, of, group, hour), (events, _) in found.hours.items():
        if of == name and group != NO_GROUP and month in (None, hour.date().replace(day=1)):
            counts[subject, group] += events
    for (subject, of, group, hour, _), events in found.uniques.items():
        if of == name and month in (None, hour.date().replace(day=1)):
            counts[subject, group] += events
    return {key: count for key, count in counts.items() if count}


async def named(db: Database, *values: str, meters: tuple[str, ...] = ("calls",)) -> list[SubjectMonth]:
    async with db.transaction() as uow:
        return await name_values(
            uow, [NamedValue(name, "region", value) for name in meters for value in values]
        )


async def recounted(db: Database) -> bool:
    return await recounted_from(db, await ahead(db))


async def ahead(db: Database) -> CountedAhead | None:
    async with db.transaction(isolation="repeatable_read") as uow:
        return await count_ahead(uow, events_max=7)


async def recounted_from(db: Database, known: CountedAhead | None) -> bool:
    memory = FoldMemory(LIMIT)
    async with folding(db, memory) as (uow, claim):
        return await recount_step(uow, Holding(memory, claim.rolled_up), known, events_max=7)
