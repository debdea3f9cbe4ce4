"""A meter that comes after its events ends up as if it had always been there, whatever arrives meanwhile."""

import asyncio
import random
from zlib import crc32

import pytest

from services.rating.catalogue.requests import MeterTerms
from services.rating.catalogue.usecases import (
    EventTypeFixed,
    ListPriceTaken,
    MeterExists,
    change_meter,
    create_meter,
)
from services.rating.metering.backfill.usecases import backfill_step
from shared.db.unit_of_work import Database
from tests.services.rating.metering import book
from tests.services.rating.metering.batches import NOW, Metering, event, void
from tests.services.rating.metering.book import aggregates, backfilled, changed, meter, rows
from tests.services.rating.metering.test_readings import METERS, traffic


async def test_a_meter_before_any_event_of_its_type_needs_no_backfill(
    db: Database, metering: Metering
) -> None:
    await metering.take(event("1", type="other.type"))
    await meter(db, "calls", **book.CALLS)
    assert (await rows(db, "select backfilled from rating.meters"))[0]["backfilled"]
    assert await backfilled(db) == 0


async def test_stored_events_are_added_up_and_their_days_marked(db: Database, metering: Metering) -> None:
    await metering.take(*[event(str(n), f"s{n % 2}", data={"user": "ann"}) for n in range(8)], void("3"))
    await rows(db, "delete from rating.marks")
    await meter(db, "calls", **book.CALLS)
    await meter(db, "users", **book.USERS)
    assert await rows(db, "select * from rating.usage_hours") == []
    assert await backfilled(db, events_max=3) > 4
    found = await aggregates(db)
    assert {key[0]: total for key, (total, _) in found.hours.items()} == {"s0": 4, "s1": 3}
    assert {key[0]: total for key, total in found.uniques.items()} == {"s0": 4, "s1": 3}
    assert {row["subject"] for row in await rows(db, "select subject from rating.marks")} == {"s0", "s1"}
    assert all(row["backfilled"] for row in await rows(db, "select backfilled from rating.meters"))


async def test_a_void_in_the_midst_of_a_backfill_is_taken_once(db: Database, metering: Metering) -> None:
    await metering.take(*[event(str(n)) for n in range(6)])
    await meter(db, "calls", **book.CALLS)
    async with db.transaction() as uow:
        assert await backfill_step(uow, NOW, events_max=3, groups_max=1000)
    # one behind the job, one ahead of it, one after the cut
    await metering.take(void("1"), void("4"), event("7"))
    await backfilled(db)
    assert [total for total, _ in (await aggregates(db)).hours.values()] == [5]


async def test_a_changed_meter_is_added_up_again(db: Database, metering: Metering) -> None:
    await meter(db, "calls", **book.CALLS)
    await metering.take(*[event(str(n), data={"region": "eu", "plan": f"p{n % 2}"}) for n in range(5)])
    await changed(db, "calls", **{**book.CALLS, "group_by": ["plan"]})
    await metering.take(event("5", data={"region": "eu", "plan": "p1"}))
    await backfilled(db)
    assert {key[2]: total for key, (total, _) in (await aggregates(db)).hours.items()} == {
        '{"plan":"p0"}': 3,
        '{"plan":"p1"}': 3,
    }


async def test_a_new_list_price_alone_adds_nothing_up_again(db: Database, metering: Metering) -> None:
    await meter(db, "calls", **book.CALLS)
    await metering.take(event("1"))
    await changed(db, "calls", **book.CALLS, list_price={"currency": "USD", "unit": "0.25"})
    assert await backfilled(db) == 0
    assert [total for total, _ in (await aggregates(db)).hours.values()] == [1]


async def test_what_the_catalogue_refuses(db: Database) -> None:
    priced = {**book.CALLS, "list_price": {"currency": "USD", "unit": "1"}}
    await meter(db, "calls", **priced)
    await meter(db, "calls", **priced)  # the same again is the same
    async with db.transaction() as uow:
        with pytest.raises(MeterExists):
            await create_meter(uow, "calls", MeterTerms.model_validate(book.CALLS), NOW, groups_max=1000)
    async with db.transaction() as uow:
        with pytest.raises(ListPriceTaken):
            await create_meter(uow, "more", MeterTerms.model_validate(priced), NOW, groups_max=1000)
    async with db.transaction() as uow:
        with pytest.raises(EventTypeFixed):
            await change_meter(
                uow,
                "calls",
                MeterTerms.model_validate({**book.CALLS, "event_type": "x"}),
                NOW,
                groups_max=1000,
            )


async def test_meters_created_while_batches_are_in_flight(db: Database) -> None:
    """Three partitions meter, three meters appear and are back-filled at the same time: nothing is missed,
    nothing counts twice."""
    rng = random.Random(5)
    sent = traffic(rng, 1500)
    parts = [[message for message in sent if crc32(message.id.encode()) % 3 == part] for part in range(3)]
    metering = Metering(db)

    async def deliver(part: int) -> None:
        for start in range(0, len(parts[part]), 40):
            await metering.take(*parts[part][start : start + 40], partition=part)

    async def create() -> None:
        for name, terms in METERS.items():
            await asyncio.sleep(0.05)
            await meter(db, name, **terms)
            await backfilled(db, events_max=50)

    await asyncio.gather(*(deliver(part) for part in range(3)), create())
    await backfilled(db)
    found = await aggregates(db)
    for name, terms in METERS.items():
        await changed(db, name, **{**terms, "filters": {"region": ["nowhere"]}})
        await changed(db, name, **terms)
    await backfilled(db, events_max=5000)
    assert await aggregates(db) == found and found != book.Aggregates()
    assert len(await rows(db, "select from rating.events")) == len(
        {message.id for message in sent if message.kind == "event"}
    )
