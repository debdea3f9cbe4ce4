"""What metering cannot store stops nobody: a running rating tells it to the quarantine and goes on, without
the brake of a broken release."""

from typing import Any

import msgspec
import pytest

from shared.bus.dead_letters import dead_letters
from shared.topics.usage_ingest import USAGE_QUARANTINE, QuarantineMessage, UsageMessage
from tests.services.rating.conftest import START
from tests.services.rating.deployment import Deployment, event
from tests.waiting import until

MANY = 1500  # one request of an old door; the brake stops at a hundred in a row


def changed(message: UsageMessage, **changes: Any) -> UsageMessage:
    return msgspec.structs.replace(message, **changes)


def data(text: str) -> dict[str, Any]:
    return {"data": msgspec.Raw(text.encode())}


async def told(rating: Deployment, count: int) -> list[QuarantineMessage]:
    """What lies on usage.quarantine, once there is so much of it."""

    async def found() -> list[QuarantineMessage]:
        heads = await rating.context.bus.heads(USAGE_QUARANTINE.name)
        runs = [
            await rating.context.bus.read(USAGE_QUARANTINE.name, partition, 0, head)
            for partition, head in heads.items()
            if head
        ]
        messages = [USAGE_QUARANTINE.decode(record.value) for run in runs for record in run.records]
        return messages if len(messages) >= count else []

    published: list[QuarantineMessage] = await until(found)
    return published


async def stored(rating: Deployment) -> set[str]:
    return {row["id"] for row in await rating.context.db.pool.fetch("select id from rating.events")}


async def test_thousands_of_names_that_no_store_takes_stop_nobody(rating: Deployment) -> None:
    bad = [event(f"bad-{n}", f"{n:04}" + "x" * 300, START) for n in range(MANY)]
    await rating.send(event("before", "acme", START), *bad, event("after", "acme", START))
    await rating.settled()
    assert await stored(rating) == {"before", "after"}
    kept = await told(rating, MANY)
    assert {(message.by, message.code) for message in kept} == {("metering", "name_length")}
    assert sorted(message.id for message in kept) == sorted(message.id for message in bad)
    (batches,) = await rating.context.db.pool.fetch(
        """select sum(quarantined) as quarantined, sum(dead) as dead, count(*) as batches from bus.batches
           where grp = 'rating' and topic = 'usage.events'"""
    )
    assert (batches["quarantined"], batches["dead"]) == (MANY, 0) and batches["batches"] < 100, (
        "cheap: not one transaction each"
    )
    assert rating.context.consumer is not None and rating.context.consumer.stopped_reason is None


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        ({"id": "a\0b"}, "name_character"),
        ({"type": "t" * 256}, "name_length"),
        ({"subject": ""}, "name_missing"),
        ({"time_us": 2**60}, "timestamp_out_of_range"),
        ({"received_us": 2**62}, "timestamp_out_of_range"),
        ({"body_hash": "zz" * 16}, "body_hash_malformed"),
        ({"kind": "rumour"}, "kind_unknown"),
        (data('{"a":"\\u0000"}'), "data_not_storable"),
        (data('{"a":1e999999}'), "data_not_storable"),
    ],
)
async def test_whatever_the_fault_the_neighbours_are_stored(
    rating: Deployment, fault: dict[str, Any], code: str
) -> None:
    neighbours = [event(f"good-{n}", "acme", START) for n in range(60)]
    bad = [changed(event(f"bad-{n}", "acme", START), **fault) for n in range(2)]
    await rating.send(*neighbours[:30], *bad, *neighbours[30:])
    await rating.settled()
    assert await stored(rating) == {message.id for message in neighbours}
    kept = await told(rating, 2)
    assert {(message.by, message.code, bool(message.raw)) for message in kept} == {("metering", code, True)}
    assert await dead_letters(rating.context.db.pool) == []


async def test_a_record_nested_beyond_reading_is_set_aside_alone(rating: Deployment) -> None:
    """Reading it runs out of stack, which was waited out like an outage, for ever."""
    deep = changed(event("deep", "acme", START), **data('{"a":' + "[" * 5000 + "]" * 5000 + "}"))
    await rating.send(event("good", "acme", START), deep, event("good too", "acme", START))
    await rating.settled()
    assert await stored(rating) == {"good", "good too"}
    [letter] = await dead_letters(rating.context.db.pool)
    assert letter.error.startswith("RecursionError")
