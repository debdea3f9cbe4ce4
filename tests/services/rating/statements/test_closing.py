"""Periods close behind the barrier: nothing acknowledged before is missed, and what cannot be closed waits
with an owner."""

import asyncio
from itertools import count
from typing import Any

from services.rating.statements.repository.requests import RequestRepository
from services.rating.statements.usecases.price import price_due
from shared.bus import Record
from shared.topics.usage_ingest import USAGE_EVENTS, USAGE_RAW
from tests.conftest import say
from tests.services.rating.deployment import Deployment, event, terms, utc
from tests.waiting import until

CLOSE = utc("2024-02-04T00:00:00")


async def started(rating: Deployment) -> None:
    await rating.customer("acme")
    await rating.meter("calls")


async def exceptions(rating: Deployment) -> list[tuple[str, str, str]]:
    rows = await rating.context.db.pool.fetch(
        "select kind, reference, owner from rating.exceptions where resolved_at is null order by 1, 2"
    )
    return [tuple(row) for row in rows]


async def test_a_period_closed_under_live_load_misses_nothing_acknowledged_before(rating: Deployment) -> None:
    """A producer never stops. What it was told is stored before the clock moved must be in the final
    statement, and nothing twice."""
    await started(rating)
    await rating.apply(terms("acme-1", "acme"))
    numbers, acknowledged, stop = count(), 0, asyncio.Event()

    async def produce() -> None:
        nonlocal acknowledged
        while not stop.is_set():
            await rating.send(
                *(event(f"e{next(numbers)}", "acme", utc("2024-01-20T10:00:00")) for _ in range(50))
            )
            acknowledged += 50
            await asyncio.sleep(0.02)

    producers = [asyncio.create_task(produce()) for _ in range(2)]
    await until(lambda: _more_than(lambda: acknowledged, 1000))
    before = acknowledged
    await rating.advance(CLOSE)
    statement = await rating.stored("acme-1", "2024-01-01")
    stop.set()
    await asyncio.gather(*producers)
    await rating.settled()
    covered = await rating.context.db.pool.fetchval(
        "select count(*) from rating.events where batch_id <= coalesce(($1::jsonb ->> partition::text)::bigint, 0)",
        statement.watermark,
    )
    stored = await rating.context.db.pool.fetchval("select count(*) from rating.events")
    assert statement.final and statement.lines[0].quantity >= before
    assert (statement.lines[0].quantity, stored) == (covered, acknowledged)
    assert await rating.stored("acme-1", "2024-01-01") == statement


async def _more_than(value: Any, least: int) -> bool:
    return bool(value() > least)


async def test_the_barrier_waits_for_ingest_and_a_delay_has_an_owner(rating: Deployment) -> None:
    """A product wrote to usage.raw and ingest has not come to it: the period must stay open."""
    await started(rating)
    await rating.apply(terms("acme-1", "acme"))
    await say(rating.database.admin_url, USAGE_RAW.name, [Record(b"k", b"{}")])
    await rating.context.db.pool.execute(
        "update clock.business set moved_to = $1, revision = revision + 1", CLOSE
    )
    await until(lambda: exceptions(rating))
    assert await exceptions(rating) == [("close_delayed", "acme-1:2024-01-01", "operations")]
    assert not (await rating.stored("acme-1", "2024-01-01")).final
    for partition, head in (await rating.context.bus.heads(USAGE_RAW.name)).items():
        await rating.context.db.pool.execute(
            "insert into bus.positions (grp, topic, partition, position) values ('usage_ingest', $1, $2, $3)",
            USAGE_RAW.name,
            partition,
            head,
        )
    await until(lambda: _is_final(rating, "acme-1"))
    assert await exceptions(rating) == []


async def _is_final(rating: Deployment, contract: str) -> bool:
    return (await rating.stored(contract, "2024-01-01")).final


async def test_a_contract_that_cannot_be_priced_is_held_alone(rating: Deployment) -> None:
    """A region without a rate holds its contract, with an owner; the others are priced and closed, and an
    amendment mends it."""
    await started(rating)
    await rating.customer("bolt")
    await rating.meter("regional", group_by=["region"])
    price = {"model": "matrix", "dimensions": ["region"], "rates": [{"region": "eu", "unit": "1.00"}]}
    matrix = {
        **terms("bolt-1", "bolt"),
        "lines": [{"key": "regional", "kind": "usage", "meter": "regional", "price": price}],
    }
    await rating.apply(terms("acme-1", "acme"))
    await rating.apply(matrix)
    await rating.settled()
    moment = utc("2024-01-10T00:00:00")
    await rating.send(
        event("a", "acme", moment),
        event("b", "bolt", moment, {"region": "us"}),
        event("c", "bolt", moment, {"region": "eu"}),
    )
    await rating.settled()
    await rating.advance(CLOSE)
    assert (await rating.stored("acme-1", "2024-01-01")).final
    held = [found for found in await exceptions(rating) if found[0] == "pricing_failed"]
    assert held == [("pricing_failed", "bolt-1:2024-01-01", "finance")]
    shown = (
        await rating.client.get(
            "/v1/exceptions", params={"reference": "bolt-1:2024-01-01", "kind": "pricing_failed"}
        )
    ).json()["data"]
    assert [(e["owner"], e["price"]["currency"], "region=us" in e["detail"]) for e in shown] == [
        ("finance", "USD", True)
    ]
    assert not (await rating.stored("bolt-1", "2024-01-01")).final
    price["rates"] = [{"region": "eu", "unit": "1.00"}, {"unit": "2.00"}]
    await rating.apply({**matrix, "effective": "2024-01-01"})
    await until(lambda: _is_final(rating, "bolt-1"))
    assert (await rating.stored("bolt-1", "2024-01-01")).subtotal_minor == 300
    assert [found for found in await exceptions(rating) if found[0] == "pricing_failed"] == []


async def test_workers_at_once_price_each_request_once(rating: Deployment) -> None:
    await rating.meter("calls")
    names = [f"c{number}" for number in range(40)]
    for name in names:
        await rating.customer(name)
        await rating.apply(terms(name, name))
    await rating.settled()
    await until(lambda: _said(rating, len(names)))
    first = {message.contract: message.revision for message in await rating.said()}
    await rating.context.db.pool.execute(
        "insert into rating.stale (contract, period_start) select contract, period_start from rating.periods"
    )

    rating.context.settings = rating.context.settings.model_copy(update={"claim_max": 7})

    async def work() -> None:
        while await price_due(rating.context):
            pass

    await asyncio.gather(*(work() for _ in range(4)))
    await rating.settled()
    await until(lambda: _said(rating, 2 * len(names)))
    said = await rating.said()
    assert len(said) == 2 * len(names)
    assert all(max(m.revision for m in said if m.contract == name) > first[name] for name in names)


async def _said(rating: Deployment, least: int) -> bool:
    return len(await rating.said()) >= least


async def test_an_amendment_while_batches_are_in_flight_leaves_nothing_stale(rating: Deployment) -> None:
    """Usage streams in while the price changes three times; once it is quiet the statement is the
    oracle's."""
    await started(rating)
    await rating.apply(terms("acme-1", "acme"))

    async def produce() -> None:
        for batch in range(40):
            moments = [utc(f"2024-01-{day:02}T00:00:00") for day in range(1, 31)]
            await rating.send(*(event(f"{batch}-{n}", "acme", moment) for n, moment in enumerate(moments)))

    async def amend() -> None:
        for day, unit in ((10, "3.00"), (20, "5.00"), (20, "7.00")):
            changed = terms("acme-1", "acme", effective=f"2024-01-{day}")
            changed["lines"][0]["price"]["unit"] = unit
            await rating.apply(changed)

    await asyncio.gather(produce(), amend())
    await rating.settled()
    statement = await rating.stored("acme-1", "2024-01-01")
    assert statement.lines[0].quantity == 1200
    assert statement.subtotal_minor == 40 * (9 * 200 + 10 * 300 + 11 * 700)
    assert await rating.context.db.pool.fetchval("select count(*) from rating.stale") == 0
    assert USAGE_EVENTS.partitions == len(statement.watermark)


async def test_a_request_is_as_old_as_the_mark_it_came_from(rating: Deployment) -> None:
    """Who waits for what was marked before a moment sees it also when another worker turns the mark into a
    request meanwhile."""
    await started(rating)
    await rating.apply(terms("acme-1", "acme"))
    await rating.settled()
    async with rating.context.db.transaction() as uow:
        requests = RequestRepository(uow.connection)
        await uow.connection.execute("insert into rating.marks (subject, day) values ('acme', '2024-01-05')")
        moment = await uow.connection.fetchval("select clock_timestamp()")
        assert (await requests.fan_out(0, 100, 0, None, utc("2024-01-05T00:00:00"))).taken == 1
        assert not await requests.has_mark_before(moment) and await requests.has_request_before(moment)
