"""What changes a block's balance and stays as it is is told, once it does; what lapses lapses without a period to close."""

from importlib import import_module
from typing import Any

from shared.db.published import until_published
from shared.topics.rating import BLOCK_ROWS, BlockRowMessage
from tests.services.rating.deployment import Deployment, terms, utc
from tests.services.rating.statements.test_balances import started, use
from tests.waiting import until

ASKED_FOR = import_module("services.rating.migrations.versions.0032_lasting_rows").ASKED_FOR
ASKED = "select key, asked_for from rating.blocks order by block_id"
TOLD_AGAIN = "select exists (select from rating.retold where topic = $1 and done_at is not null)"
BLOCK = {
    "contract": "acme-1",
    "kind": "prepaid",
    "amount": "10.00",
    "currency": "USD",
    "document": "none",
    "reason": "x",
}


async def said(rating: Deployment) -> list[BlockRowMessage]:
    """Every row that was told, by its number."""
    await until_published(rating.context.db, BLOCK_ROWS.name)
    found: list[BlockRowMessage] = []
    for partition, head in (await rating.context.bus.heads(BLOCK_ROWS.name)).items():
        run = await rating.context.bus.read(BLOCK_ROWS.name, partition, 0, head) if head else None
        found += [BLOCK_ROWS.decode(record.value) for record in run.records] if run else []
    return sorted(found, key=lambda message: message.row)


async def told(rating: Deployment) -> list[tuple[str, int]]:
    return [(message.kind, message.amount_minor) for message in await said(rating)]


async def granted(rating: Deployment, **over: Any) -> str:
    answer = await rating.client.post("/v1/blocks", json={**BLOCK, **over})
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


async def test_what_a_call_changes_is_told_and_draws_are_not(rating: Deployment) -> None:
    await started(rating)
    block = await granted(rating, effective="2024-01-01")
    await use(rating, 2, "2024-01-05")
    for path, body in (("adjustments", {"amount": "-1.00", "reason": "y"}), ("refund", {"reason": "z"})):
        answer = await rating.client.post(f"/v1/blocks/{block}/{path}", json=body)
        assert answer.status_code == 200, answer.text
    assert await told(rating) == [("grant", 1000), ("adjustment", -100), ("refund", -500)]
    first = (await said(rating))[0]
    assert (first.block, first.block_kind, first.contract, first.customer, first.currency) == (
        block,
        "prepaid",
        "acme-1",
        "acme",
        "USD",
    )
    assert (first.asked_for, first.carried_from, first.period_start_us) == (False, None, None)


async def test_a_block_lapses_after_the_last_period_of_its_contract(rating: Deployment) -> None:
    """Its contract has ended, and no close is to come."""
    await rating.customer("acme")
    await rating.meter("calls")
    await rating.apply(terms("acme-1", "acme", term={"start": "2024-01-01", "months": 1}))
    await granted(rating, expires="2024-03-31")
    await rating.advance(utc("2024-02-10T00:00:00"), test_clock=True)
    assert await told(rating) == [("grant", 1000)]
    await rating.advance(utc("2024-03-31T23:59:59"), test_clock=True)
    assert await told(rating) == [("grant", 1000)]
    await rating.advance(utc("2024-04-01T00:00:00"), test_clock=True)
    assert await told(rating) == [("grant", 1000), ("expiry", -1000)]


async def test_a_block_whose_time_is_over_waits_for_the_periods_that_begin_in_it(rating: Deployment) -> None:
    await started(rating)
    await granted(rating, effective="2024-01-01", expires="2024-01-20")
    await use(rating, 1, "2024-01-05")
    await rating.advance(utc("2024-02-03T00:00:00"), test_clock=True)
    assert await told(rating) == [("grant", 1000)], "January is in its grace"
    await rating.advance(utc("2024-02-04T00:00:00"), test_clock=True)
    assert await told(rating) == [("grant", 1000), ("expiry", -800)]


async def test_what_a_refill_keeps_is_told_once_its_statement_is_final(rating: Deployment) -> None:
    """10.00 a month, of which at most 4.00 stay, paid before: 8.00 are left of January."""
    pool = {
        "key": "pool",
        "kind": "prepaid",
        "amount": "10.00",
        "refill": {"every": "month"},
        "roll_over": {"max": "4.00"},
    }
    await started(rating, credits=[pool])
    await use(rating, 1, "2024-01-05")
    await rating.advance(utc("2024-02-02T00:00:00"), test_clock=True)
    assert {(one.kind, one.asked_for) for one in await said(rating)} == {("grant", True)}
    await rating.advance(utc("2024-02-04T00:00:00"), test_clock=True)
    january = next(one for one in await said(rating))
    handed = [one for one in await said(rating) if one.carried_from is not None]
    assert [(one.kind, one.amount_minor, one.carried_from, one.carried_minor) for one in handed] == [
        ("grant", 400, january.block, 400)
    ]
    assert [(one.kind, one.amount_minor) for one in await said(rating) if one.block == january.block] == [
        ("grant", 1000),
        ("expiry", -400),
    ]


async def test_nothing_is_kept_for_a_block_that_would_begin_as_the_contract_ends(rating: Deployment) -> None:
    """No document asks for that one: once it lapsed, more was earned of it than was ever paid."""
    pool = {
        "key": "pool",
        "kind": "prepaid",
        "amount": "10.00",
        "refill": {"every": "month"},
        "roll_over": {"max": "4.00"},
    }
    await started(rating, term={"start": "2024-01-01", "months": 1}, credits=[pool])
    await rating.advance(utc("2024-03-10T00:00:00"), test_clock=True)
    assert await told(rating) == [("grant", 1000), ("expiry", -1000)]


async def test_what_is_short_of_a_commitment_and_rolls_over_is_told_as_handed_on(rating: Deployment) -> None:
    promise = {"key": "monthly", "amount": "9.00", "period": {"months": 1}, "shortfall": "roll_over"}
    await started(rating, commitments=[promise])
    await use(rating, 1, "2024-01-05")
    await rating.advance(utc("2024-02-04T00:00:00"), test_clock=True)
    [row] = await said(rating)
    assert (row.kind, row.block_kind, row.amount_minor, row.carried_minor) == ("grant", "roll_over", 700, 0)
    assert row.period_start_us is not None and not row.asked_for


async def test_what_lasts_is_told_once_more(rating: Deployment) -> None:
    """So a book of before has its rows told: nobody was told of this topic."""
    await started(rating)
    block = await granted(rating, effective="2024-01-01")
    await rating.client.post(f"/v1/blocks/{block}/void", json={"reason": "y"})
    before, pool = await said(rating), rating.context.db.pool
    await until(lambda: pool.fetchval(TOLD_AGAIN, BLOCK_ROWS.name))
    await pool.execute("delete from rating.retold where topic = $1", BLOCK_ROWS.name)
    await until(lambda: pool.fetchval(TOLD_AGAIN, BLOCK_ROWS.name))
    assert await said(rating) == sorted([*before, *before], key=lambda message: message.row)


async def test_blocks_of_before_are_told_whether_documents_ask_for_them(rating: Deployment) -> None:
    every = {"refill": {"every": "month"}, "roll_over": {}}
    promise = {"amount": "9.00", "payment": "prepaid", "period": {"months": 1}}
    await started(
        rating,
        credits=[
            {"key": "gift", "amount": "1.00"},
            {"key": "asked", "kind": "prepaid", "amount": "2.00", **every},
            {"key": "old", "kind": "prepaid", "amount": "3.00", "document": "none"},
        ],
        commitments=[
            {"key": "yearly", **promise, "invoiced": "yearly"},
            {"key": "unasked", **promise, "invoiced": "none"},
        ],
    )
    await granted(rating)
    await use(rating, 1, "2024-01-05")
    pool = rating.context.db.pool
    found = await pool.fetch(ASKED)
    assert {row["key"] for row in found if row["asked_for"]} == {"asked", "yearly"}
    assert len([row for row in found if row["key"] == "asked"]) == 2, "that of February, too"
    await pool.execute("update rating.blocks set asked_for = false")
    await pool.execute(ASKED_FOR)
    assert await pool.fetch(ASKED) == found
