"""rating.activity: what a subject did in an hour, told by the fold that touched it, whole."""

import asyncio
from dataclasses import dataclass
from datetime import timedelta

import pytest

from services.rating.customers.requests import AliasChanges, CustomerChanges, CustomerDocument
from services.rating.customers.usecases import change_customer, create_customer
from services.rating.metering.activity.usecases.tell_all import tell_all_activity
from services.rating.metering.fold.repository.state import FoldRepository
from services.rating.metering.fold.usecases import fold
from services.rating.metering.fold.usecases.fold import fold_share
from shared.db.unit_of_work import Database
from shared.topics.rating import ACTIVE_HOURS
from shared.values.instants import from_us, to_us
from tests.services.rating.metering import book
from tests.services.rating.metering.batches import NOW, Metering, event, void
from tests.services.rating.metering.book import meter, rows
from tests.waiting import until

DAY = NOW.date().isoformat()
Key = tuple[str, str, str, int | None]  # subject, meter, UTC day, hour (None: the values of the day)


@dataclass(frozen=True)
class Told:
    """What was told last of an hour, or of the values of a day."""

    revision: int
    customer: str | None
    last_seen_us: int
    events: int = 0
    value: str = "0"
    values: tuple[str, ...] = ()


async def told(db: Database) -> dict[Key, Told]:
    """What waits for the bus, which is taken from it."""
    gone = await rows(
        db,
        """with gone as (delete from rating.outbox where topic = 'rating.active_hours' returning *)
           select value from gone order by outbox_id""",
    )
    found: dict[Key, Told] = {}
    for message in (ACTIVE_HOURS.decode(row["value"]) for row in gone):
        for one in message.subjects:
            for hour in one.hours:
                at = from_us(hour.start_us)
                found[one.subject, hour.meter, at.date().isoformat(), at.hour] = Told(
                    message.revision, one.customer, hour.last_seen_us, hour.events, hour.value
                )
            for day in one.days:
                found[one.subject, day.meter, day.day, None] = Told(
                    message.revision, one.customer, day.last_seen_us, values=day.values
                )
    return found


def hours(
    found: dict[Key, Told], meter: str = "calls", subject: str = "acme"
) -> dict[int | None, tuple[int, str]]:
    """Hour → (events, value)."""
    return {
        key[3]: (one.events, one.value)
        for key, one in found.items()
        if key[:2] == (subject, meter) and key[3] is not None
    }


async def test_hours_values_and_unmatched_types(db: Database, metering: Metering) -> None:
    await meter(db, "calls", **book.CALLS)
    await meter(db, "users", **book.USERS, role="user")
    await metering.take(
        *[event(str(n), data={"region": "eu", "user": f"u{n % 2}"}) for n in range(3)],
        event("x", type="odd", subject="nobody"),
    )
    before = await told(db)
    assert hours(before) == {12: (3, "3")} and hours(before, "users") == {12: (3, "2")}
    assert hours(before, "type:odd", "nobody") == {12: (1, "1")}
    values = before["acme", "users", DAY, None].values
    assert len(values) == 2 and all("u0" not in value for value in values)
    await metering.take(
        event("4", data={"region": "us", "user": "u0"}, time=NOW + timedelta(hours=1)),
        event("5", data={"region": "us", "user": "u0"}),
    )
    found = await told(db)
    assert hours(found) == {12: (4, "4"), 13: (1, "1")}, "the changed hour whole, over all groups"
    assert hours(found, "users") == {12: (4, "2"), 13: (1, "1")}
    assert found["acme", "calls", DAY, 13].last_seen_us == to_us(NOW + timedelta(hours=1))
    assert set(found["acme", "users", DAY, None].values) == set(values)
    assert all(found[key].revision > message.revision for key, message in before.items() if key in found)
    await metering.take(event("6", data={"region": "us", "user": "u0"}))
    assert set(await told(db)) == {("acme", "calls", DAY, 12), ("acme", "users", DAY, 12)}, (
        "neither another hour nor the users of the day, who are the same"
    )


async def test_what_is_void_is_told_as_nothing(db: Database, metering: Metering) -> None:
    await meter(db, "calls", **book.CALLS)
    await meter(db, "users", **book.USERS, role="user")
    await metering.take(event("1", data={"user": "ann"}), event("2", data={"user": "bob"}))
    await told(db)
    await metering.take(void("1"))
    found = await told(db)
    assert hours(found) == {12: (1, "1")} and hours(found, "users") == {12: (1, "1")}
    assert len(found["acme", "users", DAY, None].values) == 1
    await metering.take(void("2"), void("3"), event("3", data={"user": "cy"}))
    found = await told(db)
    assert hours(found) == {12: (0, "0")} and hours(found, "users") == {12: (0, "0")}
    assert found["acme", "users", DAY, None].values == ()


async def test_an_hour_knows_its_newest_event_whatever_is_remembered(
    db: Database, metering: Metering
) -> None:
    """Also of events that nothing counts, of those that are void, and by a process that was not there."""
    await meter(db, "calls", **book.CALLS, filters={"region": ["eu"]})
    late, early = NOW + timedelta(minutes=50), NOW + timedelta(minutes=10)
    await metering.take(event("1", time=late, data={"region": "us"}))
    found = await told(db)
    assert hours(found) == {12: (0, "0")} and found["acme", "calls", DAY, 12].last_seen_us == to_us(late)
    for taken in (metering, Metering(db, positions=metering.positions, batch_ids=metering.batch_ids)):
        await taken.take(event(f"of {id(taken)}", time=early, data={"region": "eu"}))
        assert (await told(db))["acme", "calls", DAY, 12].last_seen_us == to_us(late)


async def test_a_meter_is_told_as_readers_see_it(db: Database, metering: Metering) -> None:
    """While new terms are counted from the beginning what comes counts by the old ones, and is told; a meter that nobody
    reads yet is not."""
    await metering.take(*[event(str(n), data={"seconds": n}) for n in range(4)])
    await meter(db, "calls", **book.CALLS)
    assert hours(await told(db), "type:api.call") == {12: (4, "4")}
    await metering.take(event("4"))
    assert await told(db) == {}
    await book.backfilled(db)
    await metering.fold()
    assert hours(await told(db)) == {12: (5, "5")}
    await book.changed(db, "calls", **{**book.CALLS, "aggregation": "unique", "field": "seconds"})
    await metering.take(event("5", data={"seconds": 3}))
    assert hours(await told(db)) == {12: (6, "6")}
    await book.backfilled(db)
    await metering.fold()
    assert hours(await told(db)) == {12: (5, "4")}, "one event says no seconds"


async def customer(db: Database, *aliases: str) -> None:
    document = CustomerDocument(
        external_id="acme", name="Acme", legal_entity="us", timezone="UTC", aliases=list(aliases)
    )
    async with db.transaction() as uow:
        await create_customer(uow, document, NOW)


async def aliases(db: Database, **changes: list[str]) -> None:
    async with db.transaction() as uow:
        await change_customer(uow, "acme", CustomerChanges(aliases=AliasChanges(**changes)), NOW)


async def whose(db: Database, metering: Metering) -> dict[str, set[str | None]]:
    """Subject → the customers it was told to be."""
    await metering.fold()
    found: dict[str, set[str | None]] = {}
    for (subject, *_), one in (await told(db)).items():
        found.setdefault(subject, set()).add(one.customer)
    return found


async def test_a_subject_that_means_another_customer_is_told_again(db: Database, metering: Metering) -> None:
    await meter(db, "calls", **book.CALLS)
    days = [NOW + timedelta(days=n) for n in range(3)]
    await metering.take(
        *[event(f"{name} {n}", name, day) for n, day in enumerate(days) for name in ("acme", "eu")]
    )
    assert await whose(db, metering) == {"acme": {None}, "eu": {None}}
    await customer(db)
    await metering.fold()
    again = await told(db)
    assert {(key[0], key[2]) for key in again} == {("acme", day.date().isoformat()) for day in days}
    assert {message.customer for message in again.values()} == {"acme"}
    await aliases(db, add=["eu"])
    assert await whose(db, metering) == {"eu": {"acme"}}
    await aliases(db, remove=["eu"])
    assert await whose(db, metering) == {"eu": {None}}
    await metering.take(event("later", "acme"))
    assert await whose(db, metering) == {"acme": {"acme"}}


async def test_a_customer_that_is_created_while_its_first_usage_is_folded_has_it(
    db: Database, metering: Metering
) -> None:
    """The fold had looked whose it was, and its rows were not to be seen yet."""
    await meter(db, "calls", **book.CALLS)
    await metering.store(event("1"))
    async with db.transaction() as uow:
        claim = await FoldRepository(uow.connection).claim()
        await fold._fold(uow, claim, metering.context.state.metering.fold, NOW)
        await customer(db)
    assert {m.customer for m in (await told(db)).values()} == {None}
    assert await whose(db, metering) == {"acme": {"acme"}}


async def test_a_long_history_is_told_again_in_shares(
    db: Database, metering: Metering, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fold, "DAYS_AGAIN_MAX", 3)
    await meter(db, "calls", **book.CALLS)
    days = [NOW + timedelta(days=n) for n in range(7)]
    await metering.take(*[event(f"{n}", "acme", day) for n, day in enumerate(days)], event("x", "other"))
    await told(db)
    await customer(db, "other")
    shares = []
    while await fold_share(db, metering.context.state.metering.fold, NOW):
        shares.append(sorted((key[0], key[2]) for key in await told(db)))
    assert [len(share) for share in shares if share] == [3, 3, 2]
    assert sorted(day for share in shares for day in share) == sorted(
        [*(("acme", day.date().isoformat()) for day in days), ("other", DAY)]
    )


async def test_who_is_asked_for_while_being_told_again_begins_anew(
    db: Database, metering: Metering, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fold, "DAYS_AGAIN_MAX", 1)
    await meter(db, "calls", **book.CALLS)
    await metering.take(*[event(f"{n}", "eu", NOW + timedelta(days=n)) for n in range(3)])
    await told(db)
    await customer(db, "eu")
    assert await fold_share(db, metering.context.state.metering.fold, NOW)
    assert [m.customer for m in (await told(db)).values()] == ["acme"]
    await aliases(db, remove=["eu"])
    await metering.fold()
    found = await told(db)
    assert len(found) == 3 and {message.customer for message in found.values()} == {None}


async def test_all_of_it_is_told_and_on_its_way_before_the_call_returns(
    db: Database, metering: Metering
) -> None:
    """Whoever judges a day waits for this: it returns only when the relay has taken what was metered before,
    whoever told it."""
    await meter(db, "calls", **book.CALLS)
    await metering.store(*[event(str(n), f"s{n}") for n in range(7)])
    memory = metering.context.state.metering.fold
    waiting = [asyncio.create_task(tell_all_activity(db, memory, NOW)) for _ in range(2)]
    await until(lambda: rows(db, "select 1 from rating.outbox where topic = 'rating.active_hours'"))
    assert not any(call.done() for call in waiting), "it is told, but not on the bus"
    assert len(await told(db)) == 7
    assert sum(await asyncio.wait_for(asyncio.gather(*waiting), 30)) == 1, "one batch, folded by one of them"
