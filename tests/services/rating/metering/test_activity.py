"""rating.activity: what a subject did on a day, told once however often it was touched."""

import asyncio
from datetime import timedelta
from typing import Any

import msgspec

from services.rating.metering.activity.usecases import tell_activity, tell_all_activity
from shared.db.unit_of_work import Database
from shared.runtime.clock import to_us
from shared.topics.rating import ACTIVITY
from tests.services.rating.metering import book
from tests.services.rating.metering.batches import NOW, Metering, event, void
from tests.services.rating.metering.book import meter, rows

DAY = NOW.date().isoformat()


async def told(db: Database) -> dict[tuple[str, str, str], Any]:
    found = await rows(db, "delete from rating.outbox where topic = 'rating.activity' returning value")
    messages = [ACTIVITY.decode(row["value"]) for row in found]
    return {
        (message.subject, message.meter, message.day): msgspec.to_builtins(message) for message in messages
    }


async def test_hours_values_and_unmatched_types(db: Database, metering: Metering) -> None:
    await meter(db, "calls", **book.CALLS)
    await meter(db, "users", **book.USERS, role="user")
    await metering.take(
        *[event(str(n), data={"region": "eu", "user": f"u{n % 2}"}) for n in range(3)],
        event("x", type="odd", subject="nobody"),
    )
    await metering.take(event("4", data={"region": "us", "user": "u0"}, time=NOW + timedelta(hours=1)))
    assert await tell_activity(db, 100) == 2
    found = await told(db)
    assert found["acme", "calls", DAY]["hours"] == {"12": (3, "3"), "13": (1, "1")}
    assert found["acme", "users", DAY]["hours"] == {"12": (3, "2"), "13": (1, "1")}
    assert found["acme", "calls", DAY]["last_seen_us"] == to_us(NOW + timedelta(hours=1))
    assert len(found["acme", "users", DAY]["values"]) == 2 and all(
        "u0" not in value for value in found["acme", "users", DAY]["values"]
    )
    assert found["nobody", "type:odd", DAY]["hours"] == {"12": (1, "1")}
    assert await tell_activity(db, 100) == 0


async def test_what_is_void_is_told_as_nothing(db: Database, metering: Metering) -> None:
    await meter(db, "calls", **book.CALLS)
    await meter(db, "users", **book.USERS, role="user")
    await metering.take(event("1", data={"user": "ann"}))
    await tell_activity(db, 100)
    await metering.take(void("1"))
    await told(db)
    assert await tell_activity(db, 100) == 1
    found = await told(db)
    assert {key[1]: message.get("hours") for key, message in found.items()} == {"calls": {}, "users": {}}


async def test_a_call_tells_no_more_than_its_share(db: Database, metering: Metering) -> None:
    await meter(db, "calls", **book.CALLS)
    await metering.take(*[event(str(n), f"s{n}") for n in range(7)])
    assert [await tell_activity(db, 3) for _ in range(4)] == [3, 3, 1, 0]
    assert len(await told(db)) == 7


async def test_all_of_it_is_told_and_on_its_way_before_the_call_returns(
    db: Database, metering: Metering
) -> None:
    """Whoever judges a day waits for this: it returns only when the relay has taken what was metered before,
    whoever told it."""
    await meter(db, "calls", **book.CALLS)
    await metering.take(*[event(str(n), f"s{n}") for n in range(7)])
    waiting = [asyncio.create_task(tell_all_activity(db, 3)) for _ in range(2)]
    await until_told(db, 7)
    assert not any(call.done() for call in waiting), "it is told, but not on the bus"
    assert len(await told(db)) == 7
    assert sum(await asyncio.wait_for(asyncio.gather(*waiting), 30)) == 7


async def until_told(db: Database, count: int) -> None:
    while len(await rows(db, "select 1 from rating.outbox where topic = 'rating.activity'")) < count:
        await asyncio.sleep(0.01)
