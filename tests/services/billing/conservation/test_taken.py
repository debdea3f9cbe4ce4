"""K2: what the door called published is taken, by source; what is set aside or stands still is named, in
money, with owner and remedy."""

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from services.billing.conservation.checks import k2_in_flight, worth
from services.billing.conservation.usecases.keep_exceptions import keep_exceptions
from shared.bus import Record
from shared.bus.dead_letters import DEAD, Name, dead_letters, discard, replay
from shared.db.unit_of_work import Database
from shared.runtime.clock import machine_now
from shared.topics.registry import MESSAGE_MAX_BYTES
from shared.topics.usage_ingest import UsageMessage
from tests.conftest import TestDatabase
from tests.services.billing.conservation.door_book import LONG_AGO, Way, named, way
from tests.services.rating.metering.batches import event as _event
from tests.services.rating.metering.batches import void


def event(id: str, source: str = "app", **data: object) -> UsageMessage:
    return _event(id, source=source, data=data)


@pytest.fixture
async def road(database: TestDatabase) -> AsyncIterator[Way]:
    async with way(database) as made:
        yield made


async def test_every_fate_of_a_published_event_is_counted_once(road: Way) -> None:
    await road.publish(
        event("1"), event("1"), event("1", n=2), event("2"), void("2"), event("1", source="other")
    )
    await road.metered()
    await road.publish(event("3"), receipts=False)  # a kill after the publish
    checked = await road.check()
    assert checked.holds, checked.breaks
    expected = {
        "published": 6,
        "taken": 6,
        "in_flight": 1,
        "in_flight_unread": 0,
        "set_aside": 0,
        "discarded": 0,
        "without_a_receipt": 1,
    }
    assert {name: checked.figures[name] for name in expected} == expected


async def test_a_source_that_lost_events_cannot_hide_behind_one_that_sent_too_much(road: Way) -> None:
    """The sums agree; by source they do not. This was no break before."""
    await road.publish(event("1"), event("2", source="loud"), event("3", source="loud"))
    await road.receipt("app", 1)
    await road.admin.execute("delete from usage_ingest.receipts where source = 'loud'")
    await road.admin.execute("delete from usage_ingest.door_hours where source = 'loud'")
    await road.metered()
    checked = await road.check()
    assert named(checked) == {"receipts_exceed_taken": {"source": "app"}}
    assert (checked.breaks[0].expected, checked.breaks[0].found) == ("at most 1", "2")


async def test_what_is_set_aside_and_what_stands_still_are_breaks_until_decided(road: Way) -> None:
    await road.publish(event("fine"))
    await road.broken("app", "b1", "b2")
    await road.metered()
    await road.publish(
        *(event(f"w{n}") for n in range(4)), *(event(f"x{n}", source="other") for n in range(3))
    )
    aside = {"message_set_aside": {"grp": "rating", "topic": "usage.events", "source": "app"}}
    assert named(await road.check()) == aside, "a moment is no standstill"
    await road.time_passes()
    checked = await road.check()
    stands = [broken for broken in checked.breaks if broken.fault == "in_flight_stands"]
    [letters] = [broken for broken in checked.breaks if broken.fault == "message_set_aside"]
    assert {broken.where.table for broken in stands} == {"bus.positions"} and {
        broken.owner for broken in checked.breaks
    } == {"platform"}
    assert checked.amounts == {"USD": {"message_set_aside": 100, "in_flight_stands": 350}}, (
        "two and seven calls at 0.50"
    )
    assert (
        "1.00 USD at list price" in letters.says
        and "./u2c dead-letters" in letters.says
        and all("/readyz" in b.says for b in stands)
    )
    assert sum(int(broken.found.split()[0]) for broken in stands) == 7
    await road.metered()
    assert {broken.fault for broken in (await road.check()).breaks} == {"message_set_aside"}
    names = [letter.name for letter in await dead_letters(road.rating.pool)]
    await discard(road.rating.pool, names, "ann", "a release that could not be mended")
    checked = await road.check()
    assert checked.holds and (
        checked.figures["discarded"],
        checked.figures["set_aside"],
        checked.figures["without_a_receipt"],
    ) == (2, 0, 0)


async def test_what_was_published_again_is_counted_as_what_became_of_it(road: Way) -> None:
    await road.broken("app", "b")
    await road.metered()
    letters = await dead_letters(road.rating.pool)
    await replay(road.rating.pool, road.bus, letters)
    checked = await road.check()
    assert checked.holds and (
        checked.figures["in_flight"],
        checked.figures["set_aside"],
        checked.figures["without_a_receipt"],
    ) == (1, 0, 0)
    await road.metered()
    checked = await road.check()
    assert [broken.fault for broken in checked.breaks] == ["message_set_aside"] and checked.figures[
        "set_aside"
    ] == 1, "it is set aside once more"
    assert checked.figures["without_a_receipt"] == 0


async def test_a_letter_the_bus_refuses_keeps_no_other_from_being_published(road: Way) -> None:
    await road.admin.execute(
        DEAD, "rating", "usage.events", 5, 900, b"k", b"x" * (MESSAGE_MAX_BYTES + 1), "{}", "too large", 900
    )
    await road.broken("app", "b1", "b2")
    await road.metered()
    assert await replay(road.rating.pool, road.bus, await dead_letters(road.rating.pool)) == 2
    assert [letter.offset for letter in await dead_letters(road.rating.pool)] == [900]


async def test_records_whose_source_nobody_can_read_may_be_anybodys(road: Way) -> None:
    """Decided about, they are no break of the source that misses them; more missing than there are of them
    is."""
    await road.publish(event("1"))
    await road.put([Record(b"x", b"\xff no JSON"), Record(b"y", b"\xff no JSON")])
    await road.receipt("app", 1)
    await road.receipt("other", 1)
    await road.metered()
    await discard(
        road.rating.pool,
        [letter.name for letter in await dead_letters(road.rating.pool)],
        "ann",
        "bytes of a broken disk",
    )
    assert (await road.check()).holds
    await road.publish(event("2", source="third"), receipts=False)
    await road.receipt("other", 1)
    checked = await road.check()
    assert {
        broken.where.key["source"] for broken in checked.breaks if broken.fault == "receipts_exceed_taken"
    } == {"app", "other"}


async def test_beyond_what_is_read_it_is_told_as_unknown(road: Way, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(k2_in_flight, "READ_MAX", 3)
    monkeypatch.setattr(k2_in_flight, "ROUND", 2)
    await road.publish(*(event(str(n), source=f"s{n}") for n in range(9)))
    checked = await road.check()
    assert checked.holds and (checked.figures["in_flight"], checked.figures["in_flight_unread"]) == (9, 6)
    await road.time_passes()
    stands = (await road.check()).breaks
    assert {broken.fault for broken in stands} == {"in_flight_stands"}
    assert sum(int(broken.found.split()[0]) for broken in stands) == 9, (
        "how many wait is known from their offsets"
    )


async def test_every_consumer_s_letters_are_somebody_s(road: Way, monkeypatch: pytest.MonkeyPatch) -> None:
    """Billing's, too: it has no source and no list price, and is a break all the same."""
    monkeypatch.setattr(worth, "CHUNK", 1)  # the list price is asked while letters are still being read
    await road.admin.execute(
        DEAD, "billing", "rating.statements", 0, 7, b"k", b"{}", "{}", "KeyError('lines')", 1
    )
    await road.admin.execute(
        DEAD,
        "usage_ingest",
        "usage.raw",
        0,
        3,
        b"",
        b'{"source": "raw", "type": "api.call", "data": {"a": "\\u0000"}}',
        "{}",
        "crash",
        2,
    )
    await road.admin.execute(
        DEAD,
        "usage_ingest",
        "usage.raw",
        0,
        4,
        b"",
        b'{"source": "raw", "type": "api.call", "data": {}}',
        "{}",
        "crash",
        2,
    )
    breaks = {
        (broken.where.key["grp"], broken.where.key["source"]): broken
        for broken in (await road.check()).breaks
    }
    assert set(breaks) == {("billing", ""), ("usage_ingest", "raw")}
    assert "1 record of rating.statements could not be taken by billing:" in breaks["billing", ""].says
    assert [str(money) for money in breaks["usage_ingest", "raw"].worth] == ["0.50"], (
        "what is no JSON to this database has no worth"
    )


async def test_an_old_position_is_no_standstill_when_the_record_is_new(road: Way) -> None:
    await road.publish(event("1"))
    await road.metered()
    await road.admin.execute(f"update bus.positions set moved_at = moved_at - {LONG_AGO}")
    await road.publish(event("2"))
    assert (await road.check()).holds
    await road.admin.execute(f"update bus.segments set appended_at = appended_at - {LONG_AGO}")
    assert [broken.fault for broken in (await road.check()).breaks] == ["in_flight_stands"]


async def test_sources_that_are_not_their_columns_are_named(road: Way) -> None:
    await road.publish(event("1"), event("2"))
    await road.metered()
    await road.admin.execute("""update bus.batches
        set sources = jsonb_set(sources, '{app,new}', to_jsonb(new + 1))
        where batch_id = (select max(batch_id) from bus.batches where sources is not null)""")
    assert [broken.fault for broken in (await road.check()).breaks] == ["sources_uneven"]


async def test_what_metering_quarantined_is_where_its_batch_row_says(road: Way) -> None:
    await road.publish(event("1"))
    await road.metered()
    await road.admin.execute(
        """update bus.batches set new = 0, quarantined = 1, sources = '{"app": {"quarantined": 1}}'
            where new = 1"""
    )
    assert [broken.fault for broken in (await road.check()).breaks] == ["metering_quarantine_off"]
    await road.admin.execute("""insert into rating.outbox (shard, topic, partition, key, value, headers)
        values (0, 'usage.quarantine', 0, 'app', '{}', '{}')""")
    checked = await road.check()
    assert checked.holds and checked.figures["taken"] == 1, "it waits in rating's outbox"


async def test_an_exception_about_what_is_set_aside_has_owner_deadline_and_price(road: Way) -> None:
    billing = Database(road.database.url("billing"), "billing")
    await billing.open()
    try:
        await road.broken("app", "b1", "b2")
        await road.metered()
        now = machine_now()
        for turn, open_ in ((1, True), (2, False)):
            async with billing.transaction() as uow:
                await keep_exceptions(uow, await road.check(), now)
            [row] = await road.admin.fetch("select * from billing.exceptions")
            assert (row["kind"], row["owner"], row["amount_minor"], row["currency"]) == (
                "conservation_break_k2",
                "platform",
                100,
                "USD",
            )
            assert row["deadline_at"] > now + timedelta(days=1) and (row["resolved_at"] is None) is open_, (
                turn
            )
            if open_:
                await discard(
                    road.rating.pool,
                    [letter.name for letter in await dead_letters(road.rating.pool)],
                    "ann",
                    "given up",
                )
    finally:
        await billing.close()


def test_a_name_reads_as_it_is_written() -> None:
    name = Name("rating", "usage.events", 3, 7, 1)
    assert Name.read(str(name)) == name
