"""A statement is priced when somebody looks."""

import asyncio
from datetime import UTC, datetime
from typing import Any

import asyncpg
import pytest

from services.rating.statements.jobs import keep_house
from services.rating.statements.metrics import PRICED, TOLD_EVERY
from services.rating.statements.repository.requests import RequestRepository
from services.rating.statements.rows import StatementName
from services.rating.statements.usecases.fan_out import fan_out_all
from services.rating.statements.usecases.price_shown import price_shown
from shared.topics.rating import STATEMENTS, StatementMessage
from shared.values.ids import new_id
from shared.values.instants import to_us
from tests.conftest import TestDatabase
from tests.services.rating.deployment import Deployment, event, terms, utc, void
from tests.serving import serving
from tests.waiting import until

JANUARY = "2024-01-01"


async def started(rating: Deployment, *contracts: str) -> None:
    await rating.meter("calls")
    for contract in contracts:
        await rating.customer(contract)
        await rating.apply(terms(contract, contract))
    await rating.settled()


async def metered(rating: Deployment, *messages: Any) -> None:
    """Usage is sent and metered, and nobody has looked."""
    await rating.send(*messages)
    await rating.metered()


async def current(rating: Deployment, *names: tuple[str, str], revision: int = 0) -> list[dict[str, Any]]:
    asked = [{"contract": contract, "period_start": start, "revision": revision} for contract, start in names]
    answer = await rating.client.post("/v1/statements/current", json={"statements": asked})
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["statements"]
    assert [(one["contract"], one["period_start"]) for one in found] == list(names)
    return found


def message(shown: dict[str, Any]) -> StatementMessage:
    found: StatementMessage = STATEMENTS.decode(shown["statement"].encode())
    return found


def priced(cause: str) -> float:
    return float(PRICED.labels(cause)._value.get())


async def rested(rating: Deployment, contract: str) -> None:
    """Its last revision is older than a statement rests."""
    await until(
        lambda: rating.context.db.pool.fetchval(
            "select max(revision) < (extract(epoch from clock_timestamp()) - 0.05) * 1000000 from rating.statements where contract = $1",
            contract,
        )
    )


async def test_whoever_looks_sees_all_that_was_metered_before(rating: Deployment) -> None:
    await started(rating, "acme")
    before = await rating.stored("acme", JANUARY)
    await metered(rating, *(event(f"e{n}", "acme", utc("2024-01-05T10:00:00")) for n in range(3)))
    assert (await rating.stored("acme", JANUARY)).revision == before.revision, "nobody has looked"
    reads = priced("read")
    await rested(rating, "acme")
    (shown,) = await current(rating, ("acme", JANUARY), revision=before.revision)
    assert shown["current"] and message(shown).subtotal_minor == 600
    assert message(shown).lines[0].segments == (), "a draft travels without them"
    assert priced("read") == reads + 1
    (again,) = await current(rating, ("acme", JANUARY), revision=message(shown).revision)
    assert again["current"] and again["statement"] is None and priced("read") == reads + 1
    await until(lambda: _said(rating, message(shown)))


async def _said(rating: Deployment, shown: StatementMessage) -> bool:
    return shown in await rating.said()


async def test_what_was_priced_a_moment_ago_says_that_it_may_lack_something(
    rating: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    await started(rating, "acme")
    rating.context.settings = rating.context.settings.model_copy(update={"reprice_min_s": 30.0})
    before = await rating.stored("acme", JANUARY)
    await metered(rating, event("e1", "acme", utc("2024-01-05T10:00:00")))
    (shown,) = await current(rating, ("acme", JANUARY), revision=before.revision)
    assert not shown["current"] and shown["statement"] is None
    rating.context.settings = rating.context.settings.model_copy(update={"reprice_min_s": 0.0})
    (shown,) = await current(rating, ("acme", JANUARY))
    assert shown["current"] and message(shown).subtotal_minor == 200


async def test_two_who_look_at_once_price_once(rating: Deployment) -> None:
    names = [f"c{n}" for n in range(20)]
    await started(rating, *names)
    await metered(rating, *(event(name, name, utc("2024-01-05T10:00:00")) for name in names))
    for name in names:
        await rested(rating, name)
    reads = priced("read")
    pages = await asyncio.gather(*(current(rating, *((name, JANUARY) for name in names)) for _ in range(4)))
    assert all(one["current"] and message(one).subtotal_minor == 200 for page in pages for one in page)
    assert priced("read") == reads + len(names)


async def test_an_older_period_is_priced_before_the_one_that_is_looked_at(rating: Deployment) -> None:
    """Units below zero are handed over to the next period, also where only those of the older one are new."""
    await rating.meter("calls", aggregation="sum", field="n")
    await rating.customer("acme")
    await rating.apply(terms("acme", "acme"))
    await rating.advance(utc("2024-02-02T00:00:00"))
    await metered(
        rating,
        event("e1", "acme", utc("2024-01-05T10:00:00"), {"n": -3}),
        event("e2", "acme", utc("2024-02-01T10:00:00"), {"n": 5}),
    )
    await rested(rating, "acme")
    (shown,) = await current(rating, ("acme", "2024-02-01"))
    assert shown["current"] and message(shown).subtotal_minor == 400
    assert (await rating.stored("acme", JANUARY)).lines[0].quantity == -3
    await metered(rating, event("e3", "acme", utc("2024-01-06T10:00:00"), {"n": 1}))
    await rested(rating, "acme")
    (shown,) = await current(rating, ("acme", "2024-02-01"))
    assert shown["current"] and message(shown).subtotal_minor == 600
    assert await rating.context.db.pool.fetchval("select count(*) from rating.stale") == 0


async def test_at_most_200_are_asked_for_at_once_and_what_is_no_statement_is_not_current(
    rating: Deployment,
) -> None:
    await started(rating, "acme")
    nobody, acme = ("nobody", JANUARY), ("acme", JANUARY)
    assert [one["current"] for one in await current(rating, *[nobody] * 199, acme)] == [False] * 199 + [True]
    asked = [{"contract": "nobody", "period_start": JANUARY}] * 201
    answer = await rating.client.post("/v1/statements/current", json={"statements": asked})
    assert answer.status_code == 422
    assert await current(rating) == []


async def test_what_a_person_changes_and_what_mends_a_held_statement_is_priced_though_nobody_looks(
    rating: Deployment,
) -> None:
    await rating.meter("regional", group_by=["region"])
    await rating.customer("bolt")
    price = {"model": "matrix", "dimensions": ["region"], "rates": [{"region": "eu", "unit": "1.00"}]}
    line = {"key": "regional", "kind": "usage", "meter": "regional", "price": price}
    await rating.apply(terms("bolt", "bolt", lines=[line]))
    await rating.send(
        event("e1", "bolt", utc("2024-01-05T10:00:00"), {"region": "eu"}),
        event("e2", "bolt", utc("2024-01-05T10:00:00"), {"region": "mars"}),
    )
    await rating.settled()
    assert (await rating.stored("bolt", JANUARY)).held is not None
    await rating.send(void("e2"))
    await until(lambda: _amounts_to(rating, "bolt", 100))
    assert (await rating.stored("bolt", JANUARY)).held is None
    await rating.send(event("e3", "bolt-emea", utc("2024-01-05T10:00:00"), {"region": "eu"}))
    await rating.metered()
    await rating.alias("bolt", "bolt-emea")
    await until(lambda: _amounts_to(rating, "bolt", 200))


async def _amounts_to(rating: Deployment, contract: str, minor: int) -> bool:
    return (await rating.stored(contract, JANUARY)).subtotal_minor == minor


async def test_usage_alone_is_told_in_its_time(
    database: TestDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    today = datetime.now(UTC)
    async with serving("rating", database, monkeypatch, reprice_min_s="0", told_every_s="0.5") as (
        context,
        client,
    ):
        rating = Deployment(database, context, client)
        await rating.meter("calls")
        await rating.customer("acme")
        await rating.apply(terms("acme", "acme", term={"start": f"{today:%Y-%m-01}", "months": 12}))
        await rating.settled()
        tellings = priced("told")
        await metered(rating, event("e1", "acme", today))
        subtotal = "select subtotal_minor from rating.statements"
        await until(lambda: context.db.pool.fetchval(f"{subtotal} where subtotal_minor = 200"))
        assert priced("told") > tellings
        told_us = await context.db.pool.fetchval("select revision from rating.statements")
        context.settings = context.settings.model_copy(update={"told_every_s": 60.0})
        await metered(rating, event("e2", "acme", today))
        asked = await until(lambda: context.db.pool.fetchrow("select due_us, seldom from rating.stale"))
        assert (asked["due_us"], asked["seldom"]) == (told_us + 60_000_000, True)


async def test_more_drafts_than_can_be_told_a_second_wait_longer(
    database: TestDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    today = datetime.now(UTC)
    async with serving("rating", database, monkeypatch, reprice_min_s="0", told_a_second="0.02") as (
        context,
        client,
    ):
        rating = Deployment(database, context, client)
        await rating.meter("calls")
        names = ("acme", "bolt", "coil")
        for name in names:
            await rating.customer(name)
            await rating.apply(terms(name, name, term={"start": f"{today:%Y-%m-01}", "months": 12}))
        await rating.settled()

        async def due_after_s(name: str) -> float:
            await metered(rating, event(new_id("evt"), name, today))
            due_us = await until(
                lambda: context.db.pool.fetchval(
                    """select due_us - st.revision from rating.stale s join rating.statements st using (contract,
                        period_start) where contract = $1""",
                    name,
                )
            )
            return float(due_us / 1_000_000)

        assert await due_after_s("acme") == 60, "one of them waits: 50 s would do"
        for name in names[1:]:
            await due_after_s(name)
        await keep_house(context)
        assert TOLD_EVERY._value.get() == 150
        await current(rating, ("acme", f"{today:%Y-%m-01}"))
        assert await due_after_s("acme") in (150, 100), "three of them wait, two when that is counted again"


async def test_usage_is_never_told_by_itself_once_the_clock_was_moved(rating: Deployment) -> None:
    await started(rating, "acme")
    await metered(rating, event("e1", "acme", utc("2024-01-05T10:00:00")))
    asked = await until(lambda: rating.context.db.pool.fetchrow("select due_us, seldom from rating.stale"))
    assert (asked["due_us"], asked["seldom"]) == (2**63 - 1, True)


async def test_a_moved_clock_prices_what_nobody_has_looked_at(rating: Deployment) -> None:
    await started(rating, "acme")
    await metered(rating, event("e1", "acme", utc("2024-01-05T10:00:00")))
    await rating.advance(utc("2024-01-10T00:00:00"))
    assert (await rating.stored("acme", JANUARY)).subtotal_minor == 200


async def test_pricing_that_takes_longer_than_an_answer_may_goes_on(
    rating: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    await started(rating, "acme")
    await metered(rating, event("e1", "acme", utc("2024-01-05T10:00:00")))
    await rested(rating, "acme")
    async with rating.context.db.transaction() as uow:
        await uow.connection.execute("select from rating.periods where contract = 'acme' for no key update")
        monkeypatch.setattr("services.rating.statements.usecases.price_shown.ANSWER_S", 0.2)
        (shown,) = await current(rating, ("acme", JANUARY))
        assert not shown["current"] and message(shown).subtotal_minor == 0
    monkeypatch.setattr("services.rating.statements.usecases.price_shown.ANSWER_S", 20.0)
    shown_at_last = await price_shown(
        rating.context, [StatementName("acme", utc("2024-01-01T00:00:00").date())]
    )
    assert shown_at_last.current and to_us(shown_at_last.as_of) > 0
    assert (await rating.stored("acme", JANUARY)).subtotal_minor == 200


async def test_what_is_told_of_some_customers_is_on_the_bus_when_the_answer_comes(rating: Deployment) -> None:
    await started(rating, "acme", "bolt")
    await metered(rating, *(event(name, name, utc("2024-01-05T10:00:00")) for name in ("acme", "bolt")))
    customers = await rating.context.db.pool.fetchval(
        "select array_agg(customer_id) from rating.customers where external_id = 'acme'"
    )
    due = priced("due")
    answer = await rating.client.post("/v1/statements/tell", json={"customers": customers})
    assert answer.json() == {"object": "statements_told", "told": 1} and priced("due") == due + 1
    newest = {
        one.contract: one.subtotal_minor for one in sorted(await rating.said(), key=lambda m: m.revision)
    }
    assert newest == {"acme": 200, "bolt": 0}
    answer = await rating.client.post("/v1/statements/tell", json={"customers": ["cus_none"] * 1001})
    assert answer.status_code == 422


async def test_an_explanation_and_rating_s_own_routes_show_what_was_metered(rating: Deployment) -> None:
    await started(rating, "acme")
    rating.context.settings = rating.context.settings.model_copy(update={"reprice_min_s": 30.0})
    line = (await rating.stored("acme", JANUARY)).lines[0].line_id
    await metered(rating, event("e1", "acme", utc("2024-01-05T10:00:00")))
    assert (await rating.statement("acme", JANUARY))["subtotal"] == "0.00", "it was priced a moment ago"
    told = await rating.client.get(f"/v1/statements/acme/{JANUARY}/lines/{line}/explanation")
    assert told.json()["line"]["quantity"] == "1", "who asks why waits for what it is"
    rating.context.settings = rating.context.settings.model_copy(update={"reprice_min_s": 0.0})
    await metered(rating, event("e2", "acme", utc("2024-01-05T10:00:00")))
    assert (await rating.statement("acme", JANUARY))["subtotal"] == "4.00"
    await metered(rating, event("e3", "acme", utc("2024-01-05T10:00:00")))
    (listed,) = (await rating.client.get("/v1/statements", params={"contract": "acme"})).json()["data"]
    assert listed["subtotal"] == "6.00"
    await metered(rating, event("e4", "acme", utc("2024-01-05T10:00:00")))
    (cost,) = (await rating.client.get("/v1/customers/acme/cost")).json()["contracts"]
    assert cost["subtotal"] == "8.00"


MARK = "insert into rating.marks (subject, day) values ('acme', '2024-01-05')"
NAME = ["acme"], [utc("2024-01-01T00:00:00")]


async def test_a_request_that_was_renewed_cannot_be_answered_by_an_older_snapshot(rating: Deployment) -> None:
    await started(rating, "acme")
    pool = rating.context.db.pool
    await pool.execute(MARK)
    await fan_out_all(rating.context, waits=True)
    with pytest.raises(asyncpg.SerializationError):
        async with rating.context.db.transaction(isolation="repeatable_read") as uow:
            assert await uow.connection.fetchval("select count(*) from rating.stale") == 1
            await pool.execute(MARK)
            await fan_out_all(rating.context, waits=True)
            await RequestRepository(uow.connection).forget(*NAME)
    assert await pool.fetchval("select count(*) from rating.stale") == 1


async def test_a_mark_that_comes_while_a_request_is_answered_asks_anew_and_waits_for_nobody(
    rating: Deployment,
) -> None:
    await started(rating, "acme")
    pool = rating.context.db.pool
    await pool.execute(MARK)
    await fan_out_all(rating.context, waits=True)
    async with rating.context.db.transaction(isolation="repeatable_read") as uow:
        await RequestRepository(uow.connection).forget(*NAME)
        await pool.execute(MARK)
        await asyncio.wait_for(fan_out_all(rating.context, waits=True), 30)
    assert await pool.fetchval("select count(*) from rating.stale") == 1
