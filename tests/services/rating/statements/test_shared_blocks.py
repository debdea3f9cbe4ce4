"""A block that contracts share: whoever prices, nobody draws what is not there, and what is drawn in the end is what
one worker would draw in order."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from services.rating.blocks import repository as sql
from services.rating.blocks.repository import BlockRepository
from services.rating.statements.repository.statements import StatementRepository
from services.rating.statements.usecases.fan_out import fan_out_all
from services.rating.statements.usecases.finish_due_work import price_all
from services.rating.statements.usecases.pass_barrier import pass_barrier
from services.rating.statements.usecases.price import in_one_snapshot, price_asked, price_held
from shared.db.unit_of_work import UnitOfWork
from tests.services.rating.deployment import Deployment, event, terms, utc
from tests.waiting import until

CONTRACTS = ("one", "two", "three")
SHORT = "select block_id from rating.block_rows group by 1 having sum(amount_minor) < 0"
DRAWN = """select contract, -sum(amount_minor)::bigint as minor from rating.block_rows
    where contract is not null group by 1"""


async def shared(rating: Deployment, amount: str, order: tuple[str, ...] = CONTRACTS) -> str:
    """Three contracts of one customer, each with a meter of its own, and a block they share in this order."""
    await rating.customer("acme")
    for name in CONTRACTS:
        await rating.meter(name, event_type=name)
        line = {
            "key": "calls",
            "kind": "usage",
            "meter": name,
            "price": {"model": "per_unit", "unit": "1.00"},
        }
        await rating.apply(terms(name, "acme", lines=[line]))
    return await granted(rating, amount, contracts=list(order), customer="acme")


async def granted(rating: Deployment, amount: str, **over: Any) -> str:
    block = {"kind": "prepaid", "document": "none", "amount": amount, "currency": "USD", "reason": "bought"}
    answer = await rating.client.post("/v1/blocks", json={**block, "effective": "2024-01-01", **over})
    assert answer.status_code == 201, answer.text
    found: str = answer.json()["id"]
    return found


async def use(rating: Deployment, name: str, units: int, since: int = 0) -> None:
    at = utc("2024-01-05T10:00:00")
    await rating.send(*(event(f"{name}-{since + n}", "acme", at, type=name) for n in range(units)))


async def drawn(rating: Deployment) -> dict[str, int]:
    rows = await rating.context.db.pool.fetch(DRAWN)
    return {row["contract"]: row["minor"] for row in rows if row["minor"]}


async def test_contracts_draw_in_the_order_of_the_block(rating: Deployment) -> None:
    await shared(rating, "10.00", ("three", "one", "two"))
    for name in CONTRACTS:
        await use(rating, name, 6)
    await rating.settled()
    assert await drawn(rating) == {"three": 600, "one": 400}
    # what the first does not need any more is the next one's: nobody else prices it
    answer = await rating.client.get("/v1/blocks", params={"customer": "acme"})
    (block,) = answer.json()["data"]
    assert (block["granted"], block["drawn"], block["left"]) == ("10.00", "10.00", "0.00")


async def priced_alone(
    rating: Deployment,
    name: str,
    between: Callable[[], Awaitable[object]],
    after: Callable[[], Awaitable[object]],
) -> None:
    """Price the statement of one contract, with a wait between its snapshot and what it holds, and before its end."""

    async def once(uow: UnitOfWork) -> None:
        await uow.connection.fetchval("select count(*) from rating.block_rows")
        await between()
        rows = await StatementRepository(uow.connection).hold([name], [utc("2024-01-01T00:00:00")])
        await price_held(uow, rows, rating.context.clock.now(), final=False)
        await after()

    await in_one_snapshot(rating.context.db, once)


async def _at_once() -> None:
    return None


@pytest.mark.parametrize("moved", [True, False])
async def test_a_snapshot_that_missed_a_draw_is_taken_anew(
    rating: Deployment, monkeypatch: pytest.MonkeyPatch, moved: bool
) -> None:
    """Two is priced by a snapshot of before one drew. Without the revision that pricing moves both draw the same."""
    await quiet(rating, monkeypatch)
    await shared(rating, "10.00")
    await price_all(rating.context)
    await counted(rating, "two", 8)
    if not moved:
        monkeypatch.setattr(BlockRepository, "move", _moves_nothing)
    snapshot, done = asyncio.Event(), asyncio.Event()

    async def waits() -> None:
        snapshot.set()
        await done.wait()

    late = asyncio.create_task(priced_alone(rating, "two", waits, _at_once))
    await snapshot.wait()
    await counted(rating, "one", 8)
    await priced_alone(rating, "one", _at_once, _at_once)
    done.set()
    await late
    assert bool(await rating.context.db.pool.fetch(SHORT)) != moved
    if moved:
        assert await drawn(rating) == {"one": 800, "two": 200}


async def counted(rating: Deployment, name: str, units: int) -> None:
    """Use so much; nobody asks for its statement, so that it is priced with no other."""
    await use(rating, name, units)
    await rating.metered()


async def _moves_nothing(self: BlockRepository, blocks: object) -> None:
    return None


@pytest.mark.parametrize("locked", [True, False])
async def test_what_is_taken_off_a_block_waits_for_who_draws_on_it(
    rating: Deployment, monkeypatch: pytest.MonkeyPatch, locked: bool
) -> None:
    """While one draws 8 of 10, 5 are taken off: refused. Without the row lock it sees 10, and 3 are missing."""
    await quiet(rating, monkeypatch)
    block = await shared(rating, "10.00")
    await use(rating, "one", 8)
    await rating.metered()
    await fan_out_all(rating.context)
    if not locked:
        monkeypatch.setattr(sql, "_HOLD_ONE", sql._HOLD_ONE.replace("for update", ""))
    taking: list[asyncio.Task[Any]] = []

    async def takes() -> None:
        less = {"amount": "-5.00", "reason": "too much"}
        taking.append(asyncio.create_task(rating.client.post(f"/v1/blocks/{block}/adjustments", json=less)))
        # it waits for this transaction, whether by the lock or as it moves the revision
        await waiting_for_a_lock(rating)

    await priced_alone(rating, "one", _at_once, takes)
    answer = await taking[0]
    assert answer.status_code == (409 if locked else 200), answer.text
    assert bool(await rating.context.db.pool.fetch(SHORT)) != locked


async def waiting_for_a_lock(rating: Deployment) -> None:
    while not await rating.context.db.pool.fetchval(
        "select count(*) from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()"
    ):
        await asyncio.sleep(0.01)


async def quiet(rating: Deployment, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let nobody price but the test."""
    monkeypatch.setattr("services.rating.statements.jobs.price_due", _prices_nothing)
    monkeypatch.setattr("services.rating.statements.jobs.fan_out_all", _prices_nothing)


async def _prices_nothing(*_: object, **__: object) -> int:
    return 0


async def test_four_workers_draw_what_one_would_while_usage_grows(rating: Deployment) -> None:
    """At no look is more drawn than there is; after the barrier and what it asked for, each has what it has in order."""
    await shared(rating, "150.00", ("two", "three", "one"))
    chosen, sent = random.Random(20240105), dict.fromkeys(CONTRACTS, 0)
    stop, short = asyncio.Event(), list[Any]()
    tasks = [asyncio.create_task(price_on(rating, stop)) for _ in range(4)]
    tasks.append(asyncio.create_task(look_on(rating, stop, short)))
    for _ in range(12):
        name, units = chosen.choice(CONTRACTS), chosen.randint(3, 12)
        await use(rating, name, units, sent[name])
        sent[name] += units
        await rating.metered()
        await fan_out_all(rating.context)
    for name in CONTRACTS:
        missing = max(0, 60 - sent[name])
        await use(rating, name, missing, sent[name])
        sent[name] += missing
    await rating.metered()
    await pass_barrier(rating.context, _at_once)
    await until(lambda: nothing_asked(rating))
    stop.set()
    await asyncio.gather(*tasks)
    left, expected = 150, dict[str, int]()
    for name in ("two", "three", "one"):
        expected[name] = min(sent[name], left) * 100
        left -= min(sent[name], left)
    assert short == []
    assert await drawn(rating) == {name: minor for name, minor in expected.items() if minor}
    rows = await rating.context.db.pool.fetch("select row_id from rating.block_rows order by 1")
    await rating.settled()
    assert await rating.context.db.pool.fetch("select row_id from rating.block_rows order by 1") == rows


async def price_on(rating: Deployment, stop: asyncio.Event) -> None:
    while not stop.is_set():
        if not await price_asked(rating.context):
            await asyncio.sleep(0.01)


async def look_on(rating: Deployment, stop: asyncio.Event, short: list[Any]) -> None:
    while not stop.is_set():
        short.extend(await rating.context.db.pool.fetch(SHORT))
        await asyncio.sleep(0)


async def nothing_asked(rating: Deployment) -> bool:
    return not await rating.context.db.pool.fetchval("select exists (select from rating.stale)")
