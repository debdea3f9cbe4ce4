"""What rolled over from one block to another is a fact for corrections: nobody pays with it twice, and a correction that
would change it is refused and leaves its period marked."""

import pytest

from tests.services.rating.corrections.test_corrections import notes
from tests.services.rating.deployment import Deployment, event, terms, utc

#: 9.00 from the 11th of each month on, and up to 3.00 of what is left before.
ROLLING = {
    "key": "gift",
    "amount": "9.00",
    "refill": {"every": "month", "anchor": "2024-01-11"},
    "roll_over": {"max": "3.00"},
}
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


@pytest.mark.parametrize("days", [["2024-02-05"], ["2024-01-20", "2024-02-05"]])
async def test_a_correction_that_would_change_what_rolled_over_is_refused_and_stays_asked_for(
    rating: Deployment, days: list[str]
) -> None:
    await march_is_final(rating)
    made = await corrected(rating, *days)
    assert made == [("2024-01-01", "note", "1.00")][: len(days) - 1], "February alone is refused"
    assert "2024-02-01" not in [start for start, *_ in await notes(rating)]
    first, second = await balances(rating)
    assert (first[1], second) == (0, ("2024-02-11", 0, 1200, 300, 0))
    pool = rating.context.db.pool
    marked = await pool.fetch("select distinct period_start from rating.correction_marks")
    assert [row["period_start"] for row in marked] == [utc("2024-02-01T00:00:00")]
    [(detail,)] = await pool.fetch("select detail from rating.exceptions where kind = 'correction_failed'")
    assert detail.startswith(
        "acme-1:2024-02-01 is final and cannot be corrected: what acme-1:2024-02-01 would"
    )
