"""A batch: each event stored once, counted once, and every message accounted for."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

from shared.db.unit_of_work import Database
from shared.runtime.consumer import BatchCounts
from tests.services.rating.metering import book
from tests.services.rating.metering.batches import NOW, Metering, event, void
from tests.services.rating.metering.book import aggregates, meter, rows

HOUR = NOW.replace(minute=0)


async def test_count_sum_and_unique_by_group(db: Database, metering: Metering) -> None:
    for name, terms in (("calls", book.CALLS), ("seconds", book.SECONDS), ("users", book.USERS)):
        await meter(db, name, **terms)
    counts = await metering.take(
        event("1", data={"region": "eu", "plan": "pro", "seconds": 1.50, "user": "ann"}),
        event("2", data={"region": "eu", "plan": "pro", "seconds": "2.25", "user": "ann"}),
        event(
            "3",
            data={"region": "us", "plan": "pro", "seconds": 3, "user": "bob"},
            time=NOW + timedelta(hours=1),
        ),
    )
    assert counts == BatchCounts(new=3)
    found = await aggregates(db)
    assert found.hours == {
        ("acme", "calls", '{"region":"eu"}', HOUR): (2, Decimal(2)),
        ("acme", "calls", '{"region":"us"}', HOUR + timedelta(hours=1)): (1, Decimal(1)),
        ("acme", "seconds", '{"plan":"pro","region":"eu"}', HOUR): (2, Decimal("3.75")),
        ("acme", "seconds", '{"plan":"pro","region":"us"}', HOUR + timedelta(hours=1)): (1, Decimal(3)),
    }
    assert found.days["acme", "calls", '{"region":"eu"}', NOW.date()] == (2, Decimal(2))
    assert found.uniques == {
        ("acme", "users", '{"region":"eu"}', HOUR, "ann"): 2,
        ("acme", "users", '{"region":"us"}', HOUR + timedelta(hours=1), "bob"): 1,
    }
    assert await rows(db, "select subject, day from rating.marks") == [{"subject": "acme", "day": NOW.date()}]


async def test_duplicates_inside_and_across_batches_count_once(db: Database, metering: Metering) -> None:
    await meter(db, "calls", **book.CALLS)
    assert await metering.take(event("1"), event("1"), event("2")) == BatchCounts(new=2, duplicate=1)
    assert await metering.take(event("2"), event("1"), event("3"), event("3")) == BatchCounts(
        new=1, duplicate=3
    )
    assert [total for total, _ in (await aggregates(db)).hours.values()] == [3]
    assert (await rows(db, "select count(*) as n from rating.events"))[0]["n"] == 3


async def test_a_conflict_keeps_the_first_and_both_bodies(db: Database, metering: Metering) -> None:
    await meter(db, "seconds", **book.SECONDS)
    first, other, third = (event("1", data={"seconds": n}) for n in (1, 2, 3))
    assert await metering.take(first, other, first) == BatchCounts(new=1, duplicate=1, conflict=1)
    assert await metering.take(third) == BatchCounts(conflict=1)
    assert [value for _, value in (await aggregates(db)).hours.values()] == [Decimal(1)]
    refused = await rows(db, "select body, first_body_hash from rating.conflicts order by batch_id, seq")
    assert [row["body"]["data"] for row in refused] == [{"seconds": 2}, {"seconds": 3}]
    assert {row["first_body_hash"].hex() for row in refused} == {first.body_hash}


async def test_a_void_after_its_event_takes_it_out_once(db: Database, metering: Metering) -> None:
    for name, terms in (("calls", book.CALLS), ("seconds", book.SECONDS), ("users", book.USERS)):
        await meter(db, name, **terms)
    await metering.take(
        event("1", data={"seconds": 5, "user": "ann"}), event("2", data={"seconds": 7, "user": "ann"})
    )
    assert await metering.take(void("1"), void("1")) == BatchCounts(void=1, duplicate=1)
    assert await metering.take(void("1")) == BatchCounts(duplicate=1)
    found = await aggregates(db)
    assert found.hours["acme", "seconds", '{"plan":"","region":""}', HOUR] == (1, Decimal(7))
    assert list(found.uniques.values()) == [1]
    await metering.take(void("2"))
    assert await aggregates(db) == book.Aggregates()
    linked = await rows(db, "select id, event_batch_id, event_seq from rating.voids order by id")
    assert linked == [
        {"id": "1", "event_batch_id": 1, "event_seq": 0},
        {"id": "2", "event_batch_id": 1, "event_seq": 1},
    ]


async def test_a_void_before_its_event_stays_in_force(db: Database, metering: Metering) -> None:
    await meter(db, "calls", **book.CALLS)
    assert await metering.take(void("1"), void("9")) == BatchCounts(void=2)
    assert await metering.take(event("1"), event("2")) == BatchCounts(new=2)
    assert [total for total, _ in (await aggregates(db)).hours.values()] == [1]
    assert await rows(db, "select id, event_batch_id, event_seq from rating.voids order by id") == [
        {"id": "1", "event_batch_id": 2, "event_seq": 0},
        {"id": "9", "event_batch_id": None, "event_seq": None},
    ]
    assert await metering.take(event("1")) == BatchCounts(duplicate=1)


async def test_a_void_and_its_event_in_one_batch(db: Database, metering: Metering) -> None:
    await meter(db, "calls", **book.CALLS)
    assert await metering.take(event("1"), void("1"), void("2"), event("2"), event("3")) == BatchCounts(
        new=3, void=2
    )
    assert [total for total, _ in (await aggregates(db)).hours.values()] == [1]
    assert (await rows(db, "select count(*) as n from rating.voids where event_batch_id is null"))[0][
        "n"
    ] == 0


async def test_a_duplicate_and_a_void_of_an_older_event_in_one_batch(
    db: Database, metering: Metering
) -> None:
    await meter(db, "calls", **book.CALLS)
    await metering.take(event("1"))
    assert await metering.take(event("1"), void("1")) == BatchCounts(duplicate=1, void=1)
    assert await aggregates(db) == book.Aggregates()


async def test_a_type_without_meter_is_counted_by_its_name(db: Database, metering: Metering) -> None:
    await metering.take(event("1", type="what.ever"), event("2", type="what.ever"))
    assert (await aggregates(db)).hours == {("acme", "type:what.ever", "{}", HOUR): (2, Decimal(2))}


async def test_a_value_no_meter_can_read_is_an_exception_and_never_a_crash(
    db: Database, metering: Metering
) -> None:
    await meter(db, "seconds", **book.SECONDS)
    await meter(db, "calls", **book.CALLS)
    bad: list[dict[str, Any]] = [
        {},
        {"seconds": ""},
        {"seconds": None},
        {"seconds": "NaN"},
        {"seconds": [1]},
        {"seconds": "1e5"},
        {"seconds": True},
    ]
    await metering.take(
        *[event(str(n), data=data) for n, data in enumerate(bad)], event("good", data={"seconds": 4})
    )
    found = await aggregates(db)
    assert {key[1]: total for key, total in found.hours.items()} == {
        "calls": (8, Decimal(8)),
        "seconds": (1, Decimal(4)),
    }
    opened = await rows(db, "select kind, reference, detail from rating.exceptions")
    assert [(row["kind"], row["reference"]) for row in opened] == [("usage_value_unreadable", "seconds")]
    assert " 7 stored events" in opened[0]["detail"]


async def test_filters_leave_events_out(db: Database, metering: Metering) -> None:
    await meter(
        db,
        "errors",
        event_type="api.call",
        aggregation="count",
        filters={"status": ["500", "503"], "live": ["true"]},
    )
    sent: list[dict[str, Any]] = [
        {"status": 500, "live": True},
        {"status": "503", "live": True},
        {"status": 200, "live": True},
        {"status": 500, "live": False},
        {},
    ]
    await metering.take(*[event(str(n), data=data) for n, data in enumerate(sent)])
    assert list((await aggregates(db)).hours.values()) == [(2, Decimal(2))]


async def test_groups_beyond_the_limit_are_one_other_group(db: Database) -> None:
    metering = Metering(db, groups_max=2)
    await meter(db, "calls", **book.CALLS)
    await meter(db, "users", **book.USERS)
    for n in range(5):
        await metering.take(
            event(f"a{n}", data={"region": f"r{n}", "user": "ann"}),
            event(f"b{n}", "beta", data={"region": "r0", "user": "bob"}),
        )
    await metering.take(event("again", data={"region": "r1", "user": "ann"}), void("a3"), void("a0"))
    found = await aggregates(db)
    acme = {key[2]: events for key, (events, _) in found.hours.items() if key[0] == "acme"}
    assert acme == {'{"region":"r1"}': 2, '{"other":"true"}': 2}
    assert {key[2] for key in found.hours if key[0] == "beta"} == {'{"region":"r0"}'}
    assert {key[2]: count for key, count in found.uniques.items() if key[0] == "acme"} == {
        '{"region":"r1"}': 2,
        '{"other":"true"}': 2,
    }
    opened = await rows(
        db, "select reference from rating.exceptions where kind = 'meter_groups_exceeded' order by 1"
    )
    assert [row["reference"] for row in opened] == ["calls/acme", "users/acme"]
