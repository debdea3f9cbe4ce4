"""A meter that comes after its events ends up as if it had always been there, whatever arrives meanwhile."""

import asyncio
import random
from collections import Counter
from collections.abc import Sequence
from zlib import crc32

import pytest

from services.rating.catalogue.domain.meter import Meter
from services.rating.catalogue.repository import CatalogueRepository
from services.rating.catalogue.requests import MeterTerms
from services.rating.catalogue.usecases import (
    EventTypeFixed,
    ListPriceTaken,
    MeterExists,
    change_meter,
    create_meter,
)
from services.rating.metering.backfill.usecases import backfill_step
from services.rating.metering.fold.memory import FoldMemory
from services.rating.metering.fold.usecases.add_changes import Holding
from services.rating.metering.fold.usecases.fold import folding
from services.rating.metering.repository.admission import AdmissionRepository
from shared.db.unit_of_work import Database
from shared.topics.usage_ingest import UsageMessage
from tests.services.rating.metering import book
from tests.services.rating.metering.batches import NOW, Metering, event, void
from tests.services.rating.metering.book import aggregates, backfilled, changed, meter, rows
from tests.services.rating.metering.oracle import tallied
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
    assert await stepped(db)
    # one behind the job, one ahead of it, one after the cut
    await metering.take(void("1"), void("4"), event("7"))
    await backfilled(db)
    assert [total for total, _ in (await aggregates(db)).hours.values()] == [5]


async def test_a_void_that_is_folded_before_its_event_is_added_again(
    db: Database, metering: Metering
) -> None:
    """In a month with more groups than there is room for: it is taken from where its event will be counted."""
    await metering.take(
        *[event(str(n), data={"region": f"r{n}", "user": f"u{n % 2}", "seconds": n}) for n in range(6)]
    )
    await metering.take(void("5"))
    await meter(db, "seconds", **{**book.SECONDS, "group_by": ["region"]})
    await meter(db, "users", **book.USERS)
    tight = Metering(db, groups_max=2, positions=metering.positions, batch_ids=metering.batch_ids)
    await tight.take(void("4"), void("0"), event("6", data={"region": "r4", "user": "u0", "seconds": 40}))
    await backfilled(db, events_max=1, groups_max=2)
    found = await aggregates(db)
    sums = {key[2]: int(value) for key, (_, value) in found.hours.items()}
    assert sum(sums.values()) == 1 + 2 + 3 + 40 and sums['{"region":"r4"}'] == 40
    assert '{"region":"r0"}' not in sums and all(value > 0 for value in sums.values())
    items = Counter[str]()
    for (_, _, _, _, item), count in found.uniques.items():
        items[item] += count
    assert items == {"u0": 2, "u1": 2} and min(found.uniques.values()) == 1


async def test_a_void_ahead_of_its_event_takes_the_room_its_event_will_have(
    db: Database, metering: Metering
) -> None:
    await metering.take(*[event(str(n), "beta", data={"region": f"r{n}"}) for n in range(5)])
    await metering.take(event("mine", data={"region": "here"}), event("stays", data={"region": "here"}))
    await meter(db, "calls", **book.CALLS)
    for _ in range(4):
        assert await stepped(db, events_max=1, groups_max=2)
    assert await rows(db, "select from rating.admitted_groups where subject = ''"), "it is crowded by now"
    tight = Metering(db, groups_max=2, positions=metering.positions, batch_ids=metering.batch_ids)
    await tight.take(void("mine"))
    await backfilled(db, groups_max=2)
    found = await aggregates(db)
    assert {group: count for (name, _, group, _), (count, _) in found.hours.items() if name == "acme"} == {
        '{"region":"here"}': 1
    }


async def test_what_waits_for_the_fold_when_a_meter_is_done_is_taken_back_by_it(
    db: Database, metering: Metering
) -> None:
    await metering.take(*[event(str(n)) for n in range(4)])
    await meter(db, "calls", **book.CALLS)
    assert await stepped(db, events_max=2)
    await metering.store(void("1"), void("3"), event("4"))
    await backfilled(db)
    assert await totals(db) == [4], "the watermark knows neither the voids nor the event"
    await metering.fold()
    assert await totals(db) == [3]


async def test_a_changed_meter_reads_as_before_until_its_events_are_added_again(
    db: Database, metering: Metering
) -> None:
    await meter(db, "calls", **book.CALLS)
    await metering.take(*[event(str(n), data={"region": "eu", "plan": f"p{n % 2}"}) for n in range(5)])
    before = await aggregates(db)
    await changed(db, "calls", **{**book.CALLS, "group_by": ["plan"], "filters": {"plan": ["p1"]}})
    async with db.transaction() as uow:
        read = (await CatalogueRepository(uow.connection).meters_read())["calls"]
    assert read.group_by == ("region",) and read.filters == {}
    while await stepped(db, events_max=2):
        running = await rows(db, "select from rating.backfills where finished_at is null")
        assert not running or await aggregates(db) == before
    assert await totals(db) == [2]


async def test_what_comes_meanwhile_counts_as_before_and_as_it_will(db: Database, metering: Metering) -> None:
    """New usage, voids of both sides of the cut, groups beyond the limit: what readers see is what the terms they
    are read by make of it, at every moment."""
    metering = Metering(db, groups_max=3)
    sent = [event(str(n), data=_data(n)) for n in range(12)]
    for name, terms in METERS.items():
        await meter(db, name, **terms)
    await metering.take(*sent)
    for name, terms in METERS.items():
        await changed(db, name, **{**terms, "group_by": ["plan"], "filters": {"plan": ["p1", "p2"]}})
    for n in range(12, 40):
        more = [event(str(n), data=_data(n)), void(str(_voided(n)))]
        sent += more
        await metering.take(*more)
        assert await aggregates(db) == await tally_read(db, sent)
        if n % 3 == 0:
            await stepped(db, events_max=2, groups_max=3)
    running = await rows(db, "select from rating.backfills where finished_at is null")
    assert running, "something was to be done until the end"
    await backfilled(db, groups_max=3)
    assert await aggregates(db) == await tally_read(db, sent)
    assert all(meter.group_by == ("plan",) for meter in await meters_read(db))


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


async def test_what_nobody_reads_any_more_falls_out_of_a_row_that_changes(
    db: Database, metering: Metering
) -> None:
    await metering.take(event("0"), event("1", "beta"))
    await meter(db, "calls", **book.CALLS)
    await backfilled(db)
    await changed(db, "calls", **{**book.CALLS, "group_by": ["plan"]})
    await backfilled(db)
    held = "select cardinality(series) as n from rating.usage_packed_hours order by subject_no"
    assert [row["n"] for row in await rows(db, held)] == [2, 2], (
        "by both terms: what was counted as a type fell out when the second were added"
    )
    await metering.take(event("2"))
    assert [row["n"] for row in await rows(db, held)] == [1, 2]
    assert sorted(await totals(db)) == [1, 2]


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


def _data(n: int) -> dict[str, object]:
    return {"region": f"r{n % 7}", "plan": f"p{n % 4}", "user": f"u{n % 5}", "seconds": f"{n}.5"}


def _voided(n: int) -> int:
    """One that came, before the change or after it, or comes later."""
    return (n * 7) % 41


async def meters_read(db: Database) -> list[Meter]:
    async with db.transaction() as uow:
        return list((await CatalogueRepository(uow.connection).meters_read()).values())


async def tally_read(db: Database, sent: Sequence[UsageMessage]) -> book.Aggregates:
    """What stands of these, by the terms that readers see."""
    meters = await meters_read(db)
    async with db.transaction() as uow:
        subjects = {message.subject for message in sent}
        admission = await AdmissionRepository(uow.connection).admission(meters, subjects)
    return tallied(sent, meters, admission)


async def totals(db: Database) -> list[int]:
    return [total for total, _ in (await aggregates(db)).hours.values()]


async def stepped(db: Database, *, events_max: int = 3, groups_max: int = 1000) -> bool:
    """Take one step of a back-fill."""
    memory = FoldMemory(groups_max)
    async with folding(db, memory) as (uow, claim):
        return await backfill_step(uow, Holding(memory, claim.rolled_up), NOW, events_max=events_max)
