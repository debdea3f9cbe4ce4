"""Blocks through the running service: drawn on by statements, every change a row, never below zero."""

from collections.abc import Sequence
from typing import Any

from shared.db.published import until_published
from shared.topics.rating import STATEMENTS
from shared.values.money import currency, to_decimal
from tests.services.rating.deployment import Deployment, event, terms, utc

CALL = {
    "key": "calls",
    "kind": "usage",
    "meter": "calls",
    "price": {"model": "per_unit", "unit": "2.00"},
}


async def started(rating: Deployment, **over: Any) -> dict[str, Any]:
    await rating.customer("acme")
    await rating.meter("calls")
    applied: dict[str, Any] = await rating.apply(terms("acme-1", "acme", lines=[CALL], **over))
    return applied


async def use(rating: Deployment, units: int, day: str, subject: str = "acme") -> None:
    await rating.send(*(event(f"{subject}-{day}-{n}", subject, utc(f"{day}T10:00:00")) for n in range(units)))
    await rating.settled()


async def rows(rating: Deployment) -> list[tuple[str, str, int]]:
    """(key of the block, kind, amount) in the order they were made in."""
    found = await rating.context.db.pool.fetch(
        """select b.key, r.kind, r.amount_minor from rating.block_rows r join rating.blocks b using (block_id)
           order by r.row_id"""
    )
    return [tuple(row) for row in found]


async def drawn(rating: Deployment, contract: str, start_date: str) -> list[int]:
    statement = await rating.stored(contract, start_date)
    return [draw.amount_minor for line in statement.lines for draw in line.draws]


def balances(found: Sequence[tuple[str, str, int]]) -> dict[str, int]:
    sums: dict[str, int] = {}
    for key, _, minor in found:
        sums[key] = sums.get(key, 0) + minor
    return sums


async def test_a_statement_draws_on_blocks_and_every_change_is_a_row(rating: Deployment) -> None:
    """3 calls at 2.00; 5.00 prepaid until the end of January goes before 4.00 that never ends."""
    applied = await started(
        rating,
        credits=[
            {"key": "given", "amount": "4.00"},
            {"key": "paid", "kind": "prepaid", "amount": "5.00", "expires": "2024-01-31", "document": "none"},
        ],
    )
    assert [clause["section"] for clause in applied["clauses"]][-2:] == ["credits", "credits"]
    await use(rating, 3, "2024-01-05")
    statement = await rating.stored("acme-1", "2024-01-01")
    assert (statement.subtotal_minor, statement.drawn_minor) == (600, 600)
    made = await rows(rating)
    assert sorted(made) == [
        ("given", "draw", -100),
        ("given", "grant", 400),
        ("paid", "draw", -500),
        ("paid", "grant", 500),
    ]
    await rating.settled()
    assert await rows(rating) == made
    await use(rating, 1, "2024-01-06")
    assert balances(await rows(rating)) == {"given": 100, "paid": 0}


async def test_what_is_left_lapses_as_its_last_period_closes(rating: Deployment) -> None:
    await started(
        rating,
        credits=[
            {"key": "paid", "kind": "prepaid", "amount": "5.00", "expires": "2024-01-31", "document": "none"}
        ],
    )
    await use(rating, 1, "2024-01-05")
    await rating.advance(utc("2024-02-04T00:00:00"))
    assert (await rating.stored("acme-1", "2024-01-01")).final
    assert await rows(rating) == [("paid", "grant", 500), ("paid", "draw", -200), ("paid", "expiry", -300)]


async def test_a_month_that_grows_takes_from_those_after_it(rating: Deployment) -> None:
    """Both months are open; 4.00 are there. February drew 4.00; then January is used."""
    await started(rating, credits=[{"key": "given", "amount": "4.00"}])
    await rating.advance(utc("2024-02-02T00:00:00"))
    await use(rating, 2, "2024-02-01")
    assert await drawn(rating, "acme-1", "2024-02-01") == [400]
    await use(rating, 1, "2024-01-20")
    assert await drawn(rating, "acme-1", "2024-01-01") == [200]
    assert await drawn(rating, "acme-1", "2024-02-01") == [200]
    assert balances(await rows(rating)) == {"given": 0}


async def test_a_commitment_pays_and_what_exceeds_it_is_a_line(rating: Deployment) -> None:
    promise = {
        "key": "annual",
        "amount": "5.00",
        "payment": "prepaid",
        "overage_percent": "150",
        "invoiced": "none",
    }
    await started(rating, commitments=[promise])
    await use(rating, 3, "2024-01-05")
    statement = await rating.stored("acme-1", "2024-01-01")
    assert [(line.kind, line.amount_minor) for line in statement.lines] == [("usage", 600), ("uplift", 50)]
    assert (statement.drawn_minor, balances(await rows(rating))) == (500, {"annual": 0})
    for line in statement.lines:
        place = f"/v1/statements/acme-1/2024-01-01/lines/{line.line_id}/explanation"
        assert (await rating.client.get(place)).status_code == 200


async def test_a_refill_that_keeps_what_rolls_over_is_granted_by_the_month_that_ends_it(
    rating: Deployment,
) -> None:
    pool = {"key": "pool", "amount": "10.00", "refill": {"every": "month"}, "roll_over": {"max": "4.00"}}
    await started(rating, credits=[pool])
    await use(rating, 1, "2024-01-05")
    await rating.advance(utc("2024-02-10T00:00:00"))
    await use(rating, 8, "2024-02-05")
    assert await drawn(rating, "acme-1", "2024-02-01") == [1400]
    found = await rows(rating)
    assert ("pool", "adjustment", -400) in found and ("pool", "expiry", -400) in found
    assert (
        await rating.context.db.pool.fetchval(
            "select count(*) from (select 1 from rating.block_rows group by block_id having sum(amount_minor) < 0) below"
        )
        == 0
    )


async def test_a_block_that_ends_within_a_month_pays_what_was_used_before(rating: Deployment) -> None:
    await started(rating, credits=[{"key": "mid", "amount": "100.00", "expires": "2024-01-10"}])
    await use(rating, 2, "2024-01-05")
    await use(rating, 3, "2024-01-15")
    assert await drawn(rating, "acme-1", "2024-01-01") == [400]
    statement = await rating.stored("acme-1", "2024-01-01")
    place = f"/v1/statements/acme-1/2024-01-01/lines/{statement.lines[0].line_id}/explanation"
    answer = (await rating.client.get(place)).json()
    assert [step["text"] for step in answer["steps"] if step["op"] == "draw"] == [
        "4.00 USD paid by mid, of which 100.00 USD were left"
    ]


async def told(rating: Deployment) -> list[tuple[str, str, str, int]]:
    """(occasion, first day, last day, amount) of what was asked for beforehand, the oldest first."""
    found = await rating.context.db.pool.fetch(
        "select said from rating.asked_beforehand where said is not null order by due_at, occasion"
    )
    messages = [STATEMENTS.decode(row["said"].encode()) for row in found]
    for message in messages:
        (line,) = message.lines
        assert message.final and message.explanation is not None
        (step,) = message.explanation[line.line_id]
        assert (line.amount_minor, step.amount) == (
            message.subtotal_minor,
            to_decimal(line.amount_minor, currency("USD")),
        )
    return [
        (one.occasion, one.period_start_date, one.period_end_date, one.subtotal_minor) for one in messages
    ]


async def test_what_is_asked_for_beforehand_is_told_on_its_dates_and_once(rating: Deployment) -> None:
    promise = {
        "key": "annual",
        "amount": "100.00",
        "period": "year",
        "payment": "prepaid",
        "invoiced": "quarterly",
    }
    paid = {"key": "paid", "kind": "prepaid", "amount": "7.00", "effective": "2024-02-10"}
    await started(rating, commitments=[promise], credits=[paid])
    await rating.settled()
    assert await told(rating) == [("commitment:annual:1", "2024-01-01", "2024-03-31", 2500)]
    await rating.advance(utc("2024-04-02T00:00:00"))
    await rating.settled()
    found = await told(rating)
    assert [one[0].split(":")[0] for one in found] == ["commitment", "prepayment", "commitment"]
    assert [one[3] for one in found] == [2500, 700, 2500]
    await until_published(rating.context.db, STATEMENTS.name)
    spoken = [message.occasion for message in await rating.said() if message.occasion != "period"]
    assert sorted(spoken) == sorted(one[0] for one in found)
