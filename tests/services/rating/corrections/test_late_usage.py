"""Usage that comes after all was accepted for a final period is held until somebody decides about it; what is held or
waived is of the period in no later pricing."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
import httpx2
import pytest

from services.billing.conservation.checks.k3_disposition import disposition
from services.rating.corrections.repository import CorrectionRepository
from services.rating.statements.usecases.keep_house import keep_house
from tests.services.rating.corrections.test_corrections import (
    FEBRUARY_CLOSED,
    JANUARY,
    MARCH_CLOSED,
    NOON,
    amended,
    balance,
    january_of_three_calls,
    notes,
)
from tests.services.rating.customers.test_leaving import change, explained, held_late
from tests.services.rating.deployment import Deployment, event, folder_held, terms, utc, void
from tests.serving import hash_of
from tests.waiting import until

#: January's usage is accepted until 20 February.
TWENTY = {"late_usage": {"accept_days": 20}}
LATER = utc("2024-02-25T00:00:00")


async def late_usage(rating: Deployment) -> list[dict[str, Any]]:
    answer = await rating.client.get("/v1/late-usage")
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["data"]
    return found


async def decided(
    rating: Deployment, decision: str, up_to: dict[str, int], status: int = 200, **headers: str
) -> Any:
    answer = await rating.client.post(
        "/v1/late-usage/acme-1/2024-01-01/decision",
        json={"decision": decision, "reason": "asked for", "up_to": up_to},
        headers=headers,
    )
    assert answer.status_code == status, answer.text
    return answer.json()


async def too_late(rating: Deployment) -> None:
    """Three calls of January are final, and nothing more is accepted."""
    await january_of_three_calls(rating, **TWENTY)
    await rating.advance(LATER)


async def one_is_held(rating: Deployment) -> dict[str, Any]:
    """The same, and one more call came too late: what is listed of it."""
    await too_late(rating)
    await rating.send(event("one", "acme", NOON))
    await rating.settled()
    [seen] = await late_usage(rating)
    return seen


async def verdict(rating: Deployment, id: str) -> str:
    found = await rating.client.get("/v1/events/explain", params={"source": "test", "id": id})
    return str(found.json()["verdict"])


async def test_what_is_held_and_waived_is_priced_by_nobody_and_what_is_billed_at_the_new_price(
    rating: Deployment, auditor: asyncpg.Connection
) -> None:
    await too_late(rating)
    await rating.send(event("waived", "acme", NOON))
    await rating.settled()
    [held] = await late_usage(rating)
    assert (held["contract"], held["period"]["start"], held["events"], held["amount"]) == (
        "acme-1",
        "2024-01-01",
        1,
        "2.00",
    )
    assert held["lines"] == [
        {"period_start": "2024-01-01", "key": "calls", "quantity": "1", "amount": "2.00"}
    ]
    await decided(rating, "waive", held["watermark"])
    assert await late_usage(rating) == []
    await rating.send(event("held", "acme", NOON))
    await rating.settled()
    await amended(rating, 201, "2024-01-01", True, unit="3.00")
    await rating.advance(FEBRUARY_CLOSED)
    assert await notes(rating) == [("2024-01-01", "note:1", 900, [(300, "0", "period")])], (
        "three calls, no more"
    )
    assert await balance(auditor, "acme-1") == {
        "stored": 5,
        "new": 5,
        "applied": 3,
        "held_late": 1,
        "waived_late": 1,
    }
    assert [await verdict(rating, id) for id in ("waived", "held", "e0")] == [
        "waived_late",
        "held_late",
        "billed",
    ]
    [held] = await late_usage(rating)
    assert (held["events"], held["amount"]) == (1, "3.00"), "as it would be billed now"
    await decided(rating, "bill", held["watermark"])
    assert await late_usage(rating) == []
    await rating.advance(MARCH_CLOSED)
    assert await notes(rating) == [
        ("2024-01-01", "note:1", 900, [(300, "0", "period")]),
        ("2024-01-01", "note:2", 1200, [(300, "1", "note:1")]),
    ]
    assert await balance(auditor, "acme-1") == {"stored": 5, "new": 5, "applied": 4, "waived_late": 1}


async def test_a_decision_is_refused_where_more_came_where_nothing_is_held_and_where_it_was_decided(
    rating: Deployment,
) -> None:
    await too_late(rating)
    assert (await decided(rating, "bill", {"0": 1}, 404))["code"] == "held_usage_not_found"
    await rating.send(event("one", "acme", NOON))
    await rating.settled()
    [seen] = await late_usage(rating)
    await rating.send(event("two", "acme", NOON), event("three", "acme", NOON), event("four", "acme", NOON))
    await rating.settled()
    assert (await decided(rating, "waive", seen["watermark"], 409))["code"] == "more_came"
    assert (await decided(rating, "waive", {}, 409))["code"] == "decided_already"
    [seen] = await late_usage(rating)
    assert seen["events"] == 4
    first = await decided(rating, "waive", seen["watermark"], 200, **{"Idempotency-Key": "k"})
    assert await decided(rating, "waive", seen["watermark"], 200, **{"Idempotency-Key": "k"}) == first
    assert (await decided(rating, "bill", seen["watermark"], 404))["code"] == "held_usage_not_found"
    [row] = await rating.context.db.pool.fetch(
        "select verb, object, object_id as id, before, after from rating.audit where object = 'late_usage'"
    )
    assert (row["verb"], row["id"], row["after"]["decision"]) == (
        "decide_late_usage",
        "acme-1/2024-01-01",
        "waive",
    )


async def test_who_sits_elsewhere_does_not_decide_whatever_the_console_asks(rating: Deployment) -> None:
    held = await one_is_held(rating)
    for seat, status in (("integration-engineer", 403), ("billing-operations", 200)):
        await rating.context.db.pool.execute(
            """insert into rating.access_keys (key_id, revision, hash, name, scopes, revoked, seats)
               values ($1, 1, $2, $1, '{contracts:read,contracts:write}', false, array[$1])""",
            seat,
            hash_of(f"u2c_test_of_{seat}"),
        )
        await rating.context.keys.refresh()
        said = {"Authorization": f"Bearer u2c_test_of_{seat}"}
        answer = await decided(rating, "waive", held["watermark"], status, **said)
        assert answer.get("code") == ("seat_elsewhere" if status == 403 else None)


async def test_what_somebody_decided_to_bill_is_billed_however_little_it_is(
    rating: Deployment, auditor: asyncpg.Connection
) -> None:
    """Its note is no reason to bill the next small difference too."""
    await january_of_three_calls(rating, late_usage={"accept_days": 20, "waive_below": "5.00"})
    await rating.send(event("early", "acme", NOON))
    await rating.settled()
    run = await rating.client.post("/v1/contracts/acme-1/corrections")
    assert [one["outcome"] for one in run.json()["corrections"]] == ["carried"]
    await rating.advance(LATER)
    await rating.send(event("late", "acme", NOON))
    await rating.settled()
    [held] = await late_usage(rating)
    await decided(rating, "bill", held["watermark"])
    await rating.advance(FEBRUARY_CLOSED)
    assert await notes(rating) == [("2024-01-01", "note:2", 1000, [(400, "2", "period")])], (
        "with the early call, which was carried"
    )
    await amended(rating, 201, "2024-01-01", True, unit="2.10")
    await rating.advance(MARCH_CLOSED)
    runs = await rating.context.db.pool.fetch(
        "select outcome, asked_minor from rating.corrections where number is not null order by run"
    )
    assert [tuple(row) for row in runs] == [
        ("carried", 200),
        ("note", 400),
        ("waived", 50),
    ]
    assert await balance(auditor, "acme-1") == {"stored": 5, "new": 5, "applied": 5}


async def test_a_void_that_comes_too_late_is_held_and_takes_back_once_it_is_billed(
    rating: Deployment, auditor: asyncpg.Connection
) -> None:
    await too_late(rating)
    await rating.send(void("e0"))
    await rating.advance(FEBRUARY_CLOSED)
    assert await notes(rating) == []
    assert await balance(auditor, "acme-1") == {"stored": 3, "new": 3, "applied": 3}
    [held] = await late_usage(rating)
    assert (held["events"], held["amount"]) == (1, "-2.00")
    await decided(rating, "bill", held["watermark"])
    await rating.advance(MARCH_CLOSED)
    assert await notes(rating) == [("2024-01-01", "note:1", 400, [(-200, "-1", "period")])]
    assert await balance(auditor, "acme-1") == {"stored": 3, "new": 3, "applied": 2, "voided": 1}


async def test_a_void_that_is_waived_is_held_no_more_and_its_event_stays_billed(
    rating: Deployment, auditor: asyncpg.Connection
) -> None:
    await too_late(rating)
    await rating.send(void("e0"))
    await rating.settled()
    assert [(row["kind"], row["id"]) for row in await held_late(auditor)] == [("void", "e0")]
    assert (await explained(rating, "e0"))["detail"].endswith("the void is held late")
    [held] = await late_usage(rating)
    await decided(rating, "waive", held["watermark"])
    assert await held_late(auditor) == [] and await late_usage(rating) == []
    story = await explained(rating, "e0")
    assert story["verdict"] == "billed" and "it was decided that the statement below stays" in story["detail"]
    await rating.send(void("e1"))
    await rating.advance(FEBRUARY_CLOSED)
    assert await notes(rating) == []
    assert [(row["kind"], row["id"]) for row in await held_late(auditor)] == [("void", "e1")]
    assert await balance(auditor, "acme-1") == {"stored": 3, "new": 3, "applied": 3}
    admin = await asyncpg.connect(rating.database.admin_url)
    await admin.execute("set session_replication_role = replica")
    await admin.execute("""update rating.late_decisions set up_to = up_to || '{"7": 99}'""")
    await admin.close()
    (widened,) = (await disposition(auditor, None)).breaks
    assert widened.fault == "waiver_without_decision"


async def test_a_run_that_is_asked_for_corrects_now_and_another_finds_nothing(rating: Deployment) -> None:
    await january_of_three_calls(rating)
    await rating.send(event("late", "acme", NOON))
    first = await rating.client.post("/v1/contracts/acme-1/corrections")
    assert first.status_code == 200, first.text
    assert [(one["occasion"], one["asked"]) for one in first.json()["corrections"]] == [("note:1", "2.00")]
    again = await rating.client.post("/v1/contracts/acme-1/corrections")
    assert again.json()["corrections"] == []
    assert (await rating.client.post("/v1/contracts/nobody/corrections")).status_code == 404


async def test_nobody_decides_about_usage_that_has_not_come(rating: Deployment) -> None:
    seen = await one_is_held(rating)
    for beyond in (1, 2**62):
        up_to = {partition: batch + beyond for partition, batch in seen["watermark"].items()}
        assert (await decided(rating, "waive", up_to, 409))["code"] == "not_seen_yet"
    await decided(rating, "waive", seen["watermark"])
    await rating.send(event("two", "acme", NOON))
    await rating.settled()
    assert [held["events"] for held in await late_usage(rating)] == [1]


async def test_usage_that_a_clock_ahead_of_ours_found_too_late_is_listed(rating: Deployment) -> None:
    """Who metered the batch was past the instant until which all is accepted, and who asks for corrections is not yet."""
    await january_of_three_calls(rating, **TWENTY)
    pool, heads = rating.context.db.pool, "select max(batch_id) from rating.batch_times"
    before = await pool.fetchval(heads)
    async with folder_held(rating):
        await rating.send(event("late", "acme", NOON))

        async def metered() -> bool:
            return bool(await pool.fetchval(heads) != before)

        await until(metered)
        await pool.execute("update rating.batch_times set at = $1 where batch_id > $2", LATER, before)
    await rating.settled()
    assert [held["events"] for held in await late_usage(rating)] == [1]


async def test_a_list_waits_for_nobody_and_nobody_for_it(rating: Deployment) -> None:
    await too_late(rating)
    granted = await rating.client.post(
        "/v1/blocks",
        json={
            "contract": "acme-1",
            "kind": "promotional",
            "amount": "10.00",
            "currency": "USD",
            "effective": "2024-01-01",
            "reason": "goodwill",
        },
    )
    assert granted.status_code == 201, granted.text
    await rating.send(event("late", "acme", NOON))
    await rating.settled()
    admin = await asyncpg.connect(rating.database.admin_url)
    try:
        async with admin.transaction():
            await admin.execute("lock table rating.blocks, rating.periods in exclusive mode")
            [held] = await late_usage(rating)
            assert (held["events"], held["amount"], held["asked"]) == (1, "2.00", "0.00"), "the block pays it"
    finally:
        await admin.close()


async def walked(rating: Deployment) -> list[tuple[str, bool]]:
    """The periods that a list looks at, and whether anybody has seen what they hold."""
    rows = await rating.context.db.pool.fetch(
        "select contract, period_start, looked_at from rating.late_periods order by 1, 2"
    )
    return [(f"{row['contract']} {row['period_start']:%Y-%m}", row["looked_at"]) for row in rows]


async def house_kept(rating: Deployment) -> None:
    async with rating.context.db.transaction() as uow:
        await keep_house(uow, rating.context.clock.now())


async def test_a_list_walks_only_what_is_held(rating: Deployment) -> None:
    await too_late(rating)
    await rating.meter("others", event_type="other")
    await rating.send(event("none", "acme", NOON, type="other"))
    await rating.settled()
    assert [name for name, _ in await walked(rating)] == ["acme-1 2024-01"], "its meter is on no line"
    await house_kept(rating)
    assert await walked(rating) == []
    await rating.send(event("one", "acme", NOON))
    await rating.settled()
    await house_kept(rating)
    assert await walked(rating) == [("acme-1 2024-01", True)]
    [seen] = await late_usage(rating)
    await decided(rating, "waive", seen["watermark"])
    assert await walked(rating) == []
    await rating.send(event("two", "acme", NOON))
    await rating.settled()
    assert [held["events"] for held in await late_usage(rating)] == [1]


async def test_who_looked_before_it_was_noted_again_removes_nothing(rating: Deployment) -> None:
    await too_late(rating)
    await rating.send(event("one", "acme", NOON))
    await rating.settled()
    async with rating.context.db.transaction() as uow:
        repository = CorrectionRepository(uow.connection)
        noted = await repository.noted_late(("acme-1", JANUARY))
        assert noted is not None
        await repository.note_late([noted.place])
        await repository.forget_late([noted])
        await repository.keep_late([noted])
        again = await repository.noted_late(noted.place)
        assert again is not None and again.noted_at > noted.noted_at


async def test_a_list_is_paged_by_contract_and_period(
    rating: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.rating.corrections.usecases.late_usage.AT_ONCE", 2)
    await too_late(rating)
    for customer in ("bolt", "cord"):
        await rating.customer(customer)
        await rating.apply(terms(f"{customer}-1", customer, **TWENTY))
    await rating.advance(utc("2024-05-05T00:00:00"))
    months = [NOON, NOON.replace(month=2), NOON.replace(month=3)]
    for customer in ("acme", "bolt", "cord"):
        await rating.send(*(event(f"{customer}-{at:%m}", customer, at) for at in months))
    await rating.settled()
    found: list[tuple[str, str]] = []
    cursor: dict[str, str] = {}
    while True:
        answer = (await rating.client.get("/v1/late-usage", params={"limit": 2, **cursor})).json()
        found += [(held["contract"], held["period"]["start"]) for held in answer["data"]]
        if not answer["has_more"]:
            break
        cursor = {"cursor": answer["next_cursor"]}
    assert found == [
        (f"{customer}-1", f"2024-{month:02}-01")
        for customer in ("acme", "bolt", "cord")
        for month in (1, 2, 3)
    ]
    of_one = (await rating.client.get("/v1/late-usage", params={"contract": "bolt-1"})).json()["data"]
    assert [held["period"]["start"] for held in of_one] == ["2024-01-01", "2024-02-01", "2024-03-01"]


async def so_many_wait(rating: Deployment, waiting: int) -> bool:
    found = await rating.context.db.pool.fetchval(
        """select count(distinct pid) from pg_locks l join pg_stat_activity a using (pid)
           where not l.granted and a.datname = current_database()"""
    )
    return bool(found >= waiting)


@asynccontextmanager
async def period_held(rating: Deployment, waiting: int) -> AsyncIterator[None]:
    """January is held until so many wait for it."""
    admin = await asyncpg.connect(rating.database.admin_url)
    try:
        async with admin.transaction():
            await admin.execute(
                "select from rating.periods where contract = 'acme-1' and start_date = '2024-01-01' for no key update"
            )
            yield
            await until(lambda: so_many_wait(rating, waiting))
    finally:
        await admin.close()


def deciding(rating: Deployment, decision: str, up_to: dict[str, int]) -> "asyncio.Task[httpx2.Response]":
    return asyncio.create_task(
        rating.client.post(
            "/v1/late-usage/acme-1/2024-01-01/decision",
            json={"decision": decision, "reason": "at once", "up_to": up_to},
        )
    )


async def test_of_two_decisions_at_once_one_finds_it_decided(
    rating: Deployment, auditor: asyncpg.Connection
) -> None:
    seen = await one_is_held(rating)
    async with period_held(rating, 2):
        calls = [deciding(rating, decision, seen["watermark"]) for decision in ("bill", "waive")]
    answers = [await call for call in calls]
    assert sorted(answer.status_code for answer in answers) == [200, 409]
    assert {answer.json().get("code") for answer in answers} == {None, "decided_already"}
    await rating.advance(MARCH_CLOSED)
    assert (await balance(auditor, "acme-1"))["stored"] == 4
    assert len(await notes(rating)) == (answers[0].status_code == 200)


async def test_a_decision_beside_a_run_of_corrections_is_in_that_run_or_the_next(
    rating: Deployment, auditor: asyncpg.Connection
) -> None:
    seen = await one_is_held(rating)
    async with period_held(rating, 2):
        decision = deciding(rating, "bill", seen["watermark"])
        run = asyncio.create_task(rating.client.post("/v1/contracts/acme-1/corrections"))
    assert [(await one).status_code for one in (decision, run)] == [200, 200]
    await rating.advance(MARCH_CLOSED)
    assert await notes(rating) == [("2024-01-01", "note:1", 800, [(200, "1", "period")])]
    assert await balance(auditor, "acme-1") == {"stored": 4, "new": 4, "applied": 4}


async def test_a_decision_beside_new_late_usage_is_not_about_it(
    rating: Deployment, auditor: asyncpg.Connection
) -> None:
    seen = await one_is_held(rating)
    async with period_held(rating, 1):
        decision = deciding(rating, "waive", seen["watermark"])
        await rating.send(event("two", "acme", NOON))
        await rating.metered()
    answer = await decision
    assert (answer.status_code, answer.json()["code"]) == (409, "more_came")
    await rating.settled()
    [seen] = await late_usage(rating)
    assert seen["events"] == 2
    await decided(rating, "waive", seen["watermark"])
    assert await balance(auditor, "acme-1") == {"stored": 5, "new": 5, "applied": 3, "waived_late": 2}


async def test_a_decision_that_was_made_to_begin_earlier_is_named(
    rating: Deployment, auditor: asyncpg.Connection
) -> None:
    """Usage that was accepted would be waived by it, unseen."""
    seen = await one_is_held(rating)
    answer = await decided(rating, "waive", seen["watermark"])
    assert answer["after"] != {} and (await disposition(auditor, None)).holds
    admin = await asyncpg.connect(rating.database.admin_url)
    await admin.execute("set session_replication_role = replica")
    await admin.execute("""update rating.late_decisions set after = '{"0": 0}' || (
        select jsonb_object_agg(key, 0) from jsonb_object_keys(after) key)""")
    await admin.close()
    (widened,) = (await disposition(auditor, None)).breaks
    assert widened.fault == "waiver_without_decision"


async def test_the_money_of_held_usage_is_what_all_periods_would_be_billed(
    rating: Deployment, auditor: asyncpg.Connection
) -> None:
    """Three calls of January and three of February count towards a commitment of 10.00: 2.00 of February exceed it. What is
    taken back of January leaves room for them."""
    promise = {
        "key": "promise",
        "amount": "10.00",
        "period": {"months": 2},
        "overage_percent": "150",
    }
    await january_of_three_calls(rating, **TWENTY, commitments=[promise])
    february = NOON.replace(month=2)
    await rating.send(*(event(f"f{n}", "acme", february) for n in range(3)))
    await rating.advance(FEBRUARY_CLOSED)
    assert (await rating.stored("acme-1", "2024-02-01")).subtotal_minor == 700
    await rating.send(void("e0"))
    await rating.settled()
    [held] = await late_usage(rating)
    assert [(line["period_start"], line["key"], line["amount"]) for line in held["lines"]] == [
        ("2024-01-01", "calls", "-2.00"),
        ("2024-02-01", "promise", "-1.00"),
    ]
    assert (held["amount"], held["asked"]) == ("-3.00", "-3.00")
    await decided(rating, "bill", held["watermark"])
    await rating.advance(MARCH_CLOSED)
    asked = [sum(minor for minor, _, _ in lines) for _, _, _, lines in await notes(rating)]
    assert asked == [-200, -100]


async def test_held_usage_that_a_minimum_had_asked_for_already_costs_nothing(rating: Deployment) -> None:
    phases = [{"from": "2024-01-01", "minimum_spend": "8.00"}]
    await january_of_three_calls(rating, **TWENTY, phases=phases)
    await rating.advance(LATER)
    await rating.send(event("one", "acme", NOON))
    await rating.settled()
    [held] = await late_usage(rating)
    assert {line["key"]: line["amount"] for line in held["lines"]} == {
        "calls": "2.00",
        "minimum_spend": "-2.00",
    }
    assert held["amount"] == "0.00"


async def one_is_waived_and_labs_joins(rating: Deployment) -> dict[str, Any]:
    """A call of acme's was waived, and one of labs, who was nobody's then, had come before: what is listed once labs is
    acme's too."""
    await too_late(rating)
    await rating.send(event("of-labs", "labs", NOON), event("one", "acme", NOON))
    await rating.settled()
    [seen] = await late_usage(rating)
    assert seen["events"] == 1
    answer = await decided(rating, "waive", seen["watermark"])
    assert answer["subjects"] == ["acme"]
    await change(rating, "acme", aliases={"add": ["labs"]})
    await rating.settled()
    [held] = await late_usage(rating)
    return held


async def test_what_joins_by_an_alias_after_a_waiver_waits_for_a_decision_of_its_own(
    rating: Deployment, auditor: asyncpg.Connection
) -> None:
    held = await one_is_waived_and_labs_joins(rating)
    assert (held["events"], held["amount"]) == (1, "2.00")
    before = {"stored": 5, "new": 5, "applied": 3, "waived_late": 1}
    assert await balance(auditor, "acme-1") == {**before, "held_late": 1}
    assert [await verdict(rating, id) for id in ("one", "of-labs")] == ["waived_late", "held_late"]
    ran = await rating.client.post("/v1/contracts/acme-1/corrections")
    assert {one["outcome"] for one in ran.json()["corrections"]} <= {"unchanged"}
    await decided(rating, "bill", held["watermark"])
    assert await late_usage(rating) == []
    await rating.advance(FEBRUARY_CLOSED)
    assert await notes(rating) == [("2024-01-01", "note:1", 800, [(200, "1", "period")])]
    assert await balance(auditor, "acme-1") == {**before, "applied": 4}
    await rating.send(void("of-labs"))
    await rating.settled()
    [held] = await late_usage(rating)
    assert (held["events"], held["amount"]) == (1, "-2.00")
    await change(rating, "acme", aliases={"remove": ["labs"]})
    await rating.settled()
    [held] = await late_usage(rating)
    assert (held["events"], held["amount"]) == (1, "-2.00"), "of what it left behind"
    await decided(rating, "waive", held["watermark"])
    await rating.advance(MARCH_CLOSED)
    assert len(await notes(rating)) == 1
    assert await balance(auditor, "acme-1") == {**before, "applied": 4}


@pytest.mark.parametrize("first", ["bill", "waive"])
async def test_of_two_decisions_at_once_about_what_joined_by_an_alias_the_second_finds_it_decided(
    rating: Deployment, auditor: asyncpg.Connection, first: str
) -> None:
    held = await one_is_waived_and_labs_joins(rating)
    async with period_held(rating, 2):
        calls = [deciding(rating, first, held["watermark"])]
        await until(lambda: so_many_wait(rating, 1))
        calls.append(deciding(rating, "waive" if first == "bill" else "bill", held["watermark"]))
    answers = [await call for call in calls]
    assert [(answer.status_code, answer.json().get("code")) for answer in answers] == [
        (200, None),
        (409, "decided_already"),
    ]
    await rating.advance(FEBRUARY_CLOSED)
    assert len(await notes(rating)) == (first == "bill")
    became = {"applied": 4, "waived_late": 1} if first == "bill" else {"applied": 3, "waived_late": 2}
    assert await balance(auditor, "acme-1") == {"stored": 5, "new": 5, **became}


async def test_what_joined_after_a_waiver_and_is_waived_too_goes_with_its_subject(
    rating: Deployment, auditor: asyncpg.Connection
) -> None:
    held = await one_is_waived_and_labs_joins(rating)
    answer = await decided(rating, "waive", held["watermark"])
    assert answer["subjects"] == ["acme", "labs"]
    before = {"stored": 5, "new": 5, "applied": 3}
    assert await balance(auditor, "acme-1") == {**before, "waived_late": 2}
    assert await verdict(rating, "of-labs") == "waived_late"
    await rating.advance(FEBRUARY_CLOSED)
    assert await notes(rating) == []
    await change(rating, "acme", aliases={"remove": ["labs"]})
    await rating.settled()
    assert await balance(auditor, "acme-1") == {**before, "waived_late": 1, "suspense": 1}


async def test_a_decision_that_was_made_to_be_about_somebody_else_is_named(
    rating: Deployment, auditor: asyncpg.Connection
) -> None:
    await one_is_waived_and_labs_joins(rating)
    assert (await disposition(auditor, None)).holds
    admin = await asyncpg.connect(rating.database.admin_url)
    await admin.execute("set session_replication_role = replica")
    await admin.execute("update rating.late_decisions set subjects = subjects || '{labs}'::text[]")
    await admin.close()
    (widened,) = (await disposition(auditor, None)).breaks
    assert widened.fault == "waiver_without_decision"


async def test_a_mark_of_a_contract_that_nothing_looks_at_any_more_is_looked_at(rating: Deployment) -> None:
    """As contracts are that ended before there were corrections."""
    await january_of_three_calls(rating, term={"start": "2024-01-01", "months": 1})
    await rating.context.db.pool.execute("update rating.contracts set correction_due_at = null")
    await rating.send(event("late", "acme", NOON))
    await rating.settled()
    async with rating.context.db.transaction() as uow:
        await keep_house(uow, rating.context.clock.now())
    await rating.advance(FEBRUARY_CLOSED)
    assert [occasion for _, occasion, _, _ in await notes(rating)] == ["note:1"]
