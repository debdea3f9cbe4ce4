"""What rolled over from one block to another is changed by corrections as far as nobody paid with it yet: the newer block has
so much less or more, as rows of the correction, and nobody pays with it twice."""

from typing import Any

import asyncpg
import pytest

from services.billing.conservation.checks.k5_blocks import blocks, draws_of
from tests.services.rating.deployment import Deployment, event, terms, utc, void

#: 9.00 from the 11th of each month on, and up to 3.00 of what is left before.
ROLLING = {
    "key": "gift",
    "amount": "9.00",
    "refill": {"every": "month", "anchor": "2024-01-11"},
    "roll_over": {"max": "3.00"},
}
FAILED = "select count(*) from rating.exceptions where kind = 'correction_failed'"
BALANCES = """select effective::date::text as since, sum(r.amount_minor)::bigint as left_minor,
        -sum(r.amount_minor) filter (where r.kind in ('draw', 'return'))::bigint as drawn_minor,
        coalesce(sum(r.amount_minor) filter (where r.cause = 'rolled_over'), 0)::bigint as rolled_minor,
        coalesce(sum(r.amount_minor) filter (where r.kind in ('expiry', 'revived')), 0)::bigint as lapsed_minor
    from rating.blocks b join rating.block_rows r using (block_id)
    where effective in ('2024-01-11 00:00+00', '2024-02-11 00:00+00') group by 1 order by 1"""


async def march_is_final(rating: Deployment) -> None:
    """March drew 12.00 of the block of 11 February, 3.00 of which rolled over from the one of 11 January; both are
    over."""
    await rating.customer("acme")
    await rating.meter("calls")
    await rating.apply(terms("acme-1", "acme", credits=[ROLLING]))
    await rating.send(*(event(f"march-{n}", "acme", utc("2024-03-05T00:00:00")) for n in range(6)))
    await rating.settled()
    await rating.advance(utc("2024-04-04T00:00:00"))
    assert await balances(rating) == [
        ("2024-01-11", 0, None, 0, -900),
        ("2024-02-11", 0, 1200, 300, 0),
    ]


async def balances(rating: Deployment) -> list[tuple[str, int, int | None, int, int]]:
    return [tuple(row) for row in await rating.context.db.pool.fetch(BALANCES)]


async def corrected(rating: Deployment, *days: str) -> list[tuple[str, str, str]]:
    """Five late calls at 2.00 on each of these days, and what a run of corrections makes of them."""
    for day in days:
        await rating.send(*(event(f"late-{day}-{n}", "acme", utc(f"{day}T00:00:00")) for n in range(5)))
    await rating.settled()
    answer = await rating.client.post("/v1/contracts/acme-1/corrections")
    assert answer.status_code == 200, answer.text
    return [(one["period"]["start"], one["outcome"], one["asked"]) for one in answer.json()["corrections"]]


async def test_what_rolled_over_pays_no_late_usage_of_an_earlier_period(rating: Deployment) -> None:
    await march_is_final(rating)
    assert await corrected(rating, "2024-01-20") == [("2024-01-01", "note", "1.00")]
    assert await balances(rating) == [
        ("2024-01-11", 0, 900, 0, 0),
        ("2024-02-11", 0, 1200, 300, 0),
    ]


@pytest.mark.parametrize(
    ("days", "asked"),
    [
        (["2024-02-05"], [("2024-02-01", "note", "1.00")]),
        (["2024-01-20", "2024-02-05"], [("2024-01-01", "note", "1.00"), ("2024-02-01", "note", "10.00")]),
    ],
)
async def test_what_rolled_over_and_was_drawn_on_since_stays(
    rating: Deployment, auditor: asyncpg.Connection, days: list[str], asked: list[tuple[str, str, str]]
) -> None:
    """The block of 11 January has 9.00 beside the 3.00 that it handed on, whoever comes for them."""
    await march_is_final(rating)
    assert await corrected(rating, *days) == asked
    assert await balances(rating) == [("2024-01-11", 0, 900, 0, 0), ("2024-02-11", 0, 1200, 300, 0)]
    await holds(rating, auditor)


async def test_two_periods_corrected_in_one_run_leave_each_other_what_their_documents_drew(
    rating: Deployment, auditor: asyncpg.Connection
) -> None:
    """Of 10.00 January drew 4.00 and February 6.00; usage comes late for both."""
    await rating.customer("acme")
    await rating.meter("calls")
    await rating.apply(terms("acme-1", "acme", credits=[{"key": "gift", "amount": "10.00"}]))
    for month, count in ((1, 2), (2, 3)):
        at = utc(f"2024-0{month}-10T00:00:00")
        await rating.send(*(event(f"e{month}-{n}", "acme", at) for n in range(count)))
    await rating.settled()
    await rating.advance(utc("2024-03-04T00:00:00"))
    assert await corrected(rating, "2024-01-20", "2024-02-05") == [
        ("2024-01-01", "note", "10.00"),
        ("2024-02-01", "note", "10.00"),
    ]
    await holds(rating, auditor)


async def holds(rating: Deployment, auditor: asyncpg.Connection) -> None:
    periods = await rating.context.db.pool.fetch("select contract, period_start from rating.periods")
    assert (await draws_of(auditor, [tuple(row) for row in periods])).breaks == ()
    assert (await blocks(auditor, None, drained=False)).breaks == ()
    assert await rating.context.db.pool.fetchval(FAILED) == 0


ROLLED = """select b.key, b.kind, b.effective::date::text as since, sum(r.amount_minor)::bigint as minor
    from rating.block_rows r join rating.blocks b using (block_id) where r.cause = 'rolled_over'
    group by 1, 2, 3, b.block_id having sum(r.amount_minor) <> 0 order by 3, 1"""


async def rolled(rating: Deployment) -> list[tuple[str, str, str, int]]:
    """(key, kind, since when, what it has of another, or has handed on) of each block."""
    return [tuple(row) for row in await rating.context.db.pool.fetch(ROLLED)]


async def january_and_february(rating: Deployment, calls: tuple[int, int], **agreed: Any) -> None:
    """So many calls at 2.00 in each; both are final, March is open."""
    await rating.customer("acme")
    await rating.meter("calls")
    await rating.apply(terms("acme-1", "acme", **agreed))
    for month, count in enumerate(calls, 1):
        at = utc(f"2024-0{month}-10T00:00:00")
        await rating.send(*(event(f"e{month}-{n}", "acme", at) for n in range(count)))
    await rating.settled()
    await rating.advance(utc("2024-03-04T00:00:00"))


PREPAID = {
    "key": "promise",
    "amount": "20.00",
    "payment": "prepaid",
    "invoiced": "none",
    "period": {"months": 1},
    "rollover_percent": "50",
}


@pytest.mark.parametrize(
    ("used", "late", "asked", "rolls"),
    [
        # 12.00 were left and 6.00 went on, of which February drew nothing: 10.00 late leave 2.00, 1.00 of which goes on
        ((4, 0), 5, "0.00", 100),
        # February drew 4.00 of them beside its own 20.00: for that 8.00 of January stay, and 4.00 pay what is late
        ((4, 12), 5, "6.00", 400),
        # it drew all 6.00
        ((4, 13), 5, "10.00", 600),
    ],
)
async def test_late_usage_takes_back_what_rolled_over_and_nobody_drew(
    rating: Deployment,
    auditor: asyncpg.Connection,
    used: tuple[int, int],
    late: int,
    asked: str,
    rolls: int,
) -> None:
    await january_and_february(rating, used, commitments=[PREPAID])
    at = utc("2024-01-20T00:00:00")
    await rating.send(*(event(f"late-{n}", "acme", at) for n in range(late)))
    [(_, outcome, found)] = await corrected(rating)
    assert (outcome, found) == ("note", asked)
    assert ("promise", "roll_over", "2024-02-01", rolls) in await rolled(rating)
    assert ("promise", "commitment", "2024-01-01", -rolls) in await rolled(rating)
    await holds(rating, auditor)
    assert await corrected(rating) == [], "nothing changed since"


async def test_what_rolls_over_only_by_a_correction_is_drawn_on_by_what_is_open(
    rating: Deployment, auditor: asyncpg.Connection
) -> None:
    """January used up its 20.00; four of its calls are taken back in March: 4.00 of 8.00 go on to a block that lives from
    February on, for ninety days at least, and 4.00 to one of what came back. March draws on its own 20.00 first."""
    await january_and_february(rating, (10, 0), commitments=[PREPAID])
    await rating.send(*(void(f"e1-{n}") for n in range(4)))
    assert await corrected(rating) == [("2024-01-01", "note", "0.00")]
    assert ("promise", "roll_over", "2024-02-01", 400) in await rolled(rating)
    await rating.send(*(event(f"now-{n}", "acme", utc("2024-03-10T00:00:00")) for n in range(20)))
    await rating.settled()
    march = await rating.stored("acme-1", "2024-03-01")
    # 20.00 of its own, 10.00 of February's left, 4.00 and 4.00: 2.00 are asked for
    assert march.document_minor - march.drawn_minor == 200
    await holds(rating, auditor)
    await rating.advance(utc("2024-04-04T00:00:00"))
    # One call more of January: 4.00 went on and were drawn on since, and 4.00 came back and were drawn on too.
    await rating.send(event("late", "acme", utc("2024-01-21T00:00:00")))
    assert await corrected(rating) == [("2024-01-01", "note", "2.00")]
    await holds(rating, auditor)


async def test_a_shortfall_that_rolled_over_is_less_where_usage_comes_late_and_more_where_it_is_taken_back(
    rating: Deployment, auditor: asyncpg.Connection
) -> None:
    """10.00 were promised, and 4.00 used: 6.00 were asked for as short, and went on; its two calls were all that February
    drew of them. Of 8.00 of late usage 4.00 set the shortfall off, and 4.00 are asked for: 22.00 in all, as in time."""
    promise = {
        "key": "promise",
        "amount": "10.00",
        "period": {"months": 1},
        "shortfall": "roll_over",
        "applies_to": ["calls"],
    }
    await january_and_february(rating, (2, 1), commitments=[promise])
    assert ("promise", "roll_over", "2024-02-01", 600) in await rolled(rating)
    at = utc("2024-01-20T00:00:00")
    await rating.send(*(event(f"late-{n}", "acme", at) for n in range(4)))
    assert [one[1:] for one in await corrected(rating)] == [("note", "4.00")]
    assert ("promise", "roll_over", "2024-02-01", 200) in await rolled(rating)
    await holds(rating, auditor)
    await rating.send(*(void(f"late-{n}") for n in range(4)))
    assert [one[1:] for one in await corrected(rating)] == [("note", "-4.00")]
    assert ("promise", "roll_over", "2024-02-01", 600) in await rolled(rating)
    await holds(rating, auditor)
