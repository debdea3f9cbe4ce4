"""Draws of documents that exist stay when their period is corrected, and what comes back to a block whose time is over lives
on in another."""

from typing import Any

import asyncpg

from services.billing.conservation.checks.k5_blocks import blocks, draws_of
from tests.services.rating.corrections.test_corrections import january_of_three_calls
from tests.services.rating.deployment import Deployment, event, terms, utc, void

Row = tuple[str, str, int, str]
ROWS = """select coalesce(b.reason, b.key) as name, r.kind, r.amount_minor, r.cause
    from rating.block_rows r join rating.blocks b using (block_id) order by r.row_id"""


async def rows(rating: Deployment) -> list[Row]:
    """(why or by which clause a block was granted, kind of row, amount, cause) in the order they were made in."""
    return [tuple(row) for row in await rating.context.db.pool.fetch(ROWS)]


async def grant(rating: Deployment, name: str, amount: str, **over: Any) -> str:
    block = {"contract": "acme-1", "kind": "promotional", "currency": "USD", "effective": "2024-01-01"}
    answer = await rating.client.post("/v1/blocks", json={**block, "amount": amount, "reason": name, **over})
    assert answer.status_code == 201, answer.text
    found: str = answer.json()["id"]
    return found


async def corrected(rating: Deployment) -> list[tuple[str, str]]:
    """(subtotal, asked) of what a run of corrections makes."""
    await rating.settled()
    answer = await rating.client.post("/v1/contracts/acme-1/corrections")
    assert answer.status_code == 200, answer.text
    return [(one["subtotal"], one["asked"]) for one in answer.json()["corrections"]]


async def holds(auditor: asyncpg.Connection) -> None:
    periods = [("acme-1", utc(f"2024-0{month}-01T00:00:00")) for month in (1, 2, 3)]
    assert (await draws_of(auditor, periods)).breaks == ()
    assert (await blocks(auditor, None, drained=False)).breaks == ()


async def test_a_block_that_came_later_and_goes_first_pays_only_what_came_later(
    rating: Deployment, auditor: asyncpg.Connection
) -> None:
    """6.00 of 10.00 are drawn; of the two calls that come late the new block has 3.00."""
    await january_of_three_calls(rating, credits=[{"key": "old", "amount": "10.00"}])
    await grant(rating, "new", "3.00", priority=1)
    await rating.send(*(event(f"late-{n}", "acme", utc("2024-01-11T00:00:00")) for n in range(2)))
    before = await rows(rating)
    assert await corrected(rating) == [("10.00", "0.00")]
    assert before == [
        ("old", "grant", 1000, "clause"),
        ("old", "draw", -600, "statement"),
        ("new", "grant", 300, "granted"),
    ]
    assert sorted((await rows(rating))[len(before) :]) == [
        ("new", "draw", -300, "correction"),
        ("old", "draw", -100, "correction"),
    ]
    await rating.client.post("/v1/contracts/acme-1/corrections")
    assert len(await rows(rating)) == len(before) + 2, "nothing changed since"
    await holds(auditor)


async def test_what_comes_back_after_its_time_lives_on_for_ninety_days(
    rating: Deployment, auditor: asyncpg.Connection
) -> None:
    """Of 6.00 a gift of 5.00 that ended with January paid all but 1.00. Two calls are taken back: the money first, then
    3.00 of the gift; one that comes later costs money, as the gift's time is over and its rest was given on."""
    gift = {"key": "gift", "amount": "5.00", "expires": "2024-01-31", "applies_to": ["calls"]}
    await january_of_three_calls(rating, credits=[gift])
    await rating.send(void("e0"), void("e1"))
    before = await rows(rating)
    assert await corrected(rating) == [("2.00", "-1.00")]
    assert (await rows(rating))[len(before) :] == [
        ("gift", "return", 300, "correction"),
        ("gift", "adjustment", -300, "returned"),
        ("gift", "grant", 300, "returned"),
    ]
    found = (await rating.client.get("/v1/blocks", params={"contract": "acme-1"})).json()["data"]
    [old, new] = sorted(found, key=lambda one: one["effective"])
    assert (old["drawn"], old["returned"], old["adjusted"], old["expired"], old["left"]) == (
        "5.00",
        "3.00",
        "-3.00",
        "0.00",
        "0.00",
    )
    assert (new["kind"], new["granted"], new["left"], new["returned_from"], new["applies_to"]) == (
        "promotional",
        "3.00",
        "3.00",
        old["id"],
        ["calls"],
    )
    assert (new["effective"], new["expires"]) == ("2024-02-04T00:00:00Z", "2024-05-04T00:00:00Z")
    row = (await rating.client.get(f"/v1/blocks/{new['id']}/rows")).json()["data"][0]
    assert (row["contract"], row["period_start"]) == ("acme-1", "2024-01-01T00:00:00Z") and row["statement"]
    await rating.send(event("late", "acme", utc("2024-01-12T00:00:00")))
    assert await corrected(rating) == [("4.00", "2.00")]
    await rating.send(event("now", "acme", utc("2024-02-10T00:00:00")))
    await rating.settled()
    february = await rating.stored("acme-1", "2024-02-01")
    assert [(draw.block, draw.amount_minor) for draw in february.lines[0].draws] == [(new["id"], 200)]
    await rating.advance(utc("2024-06-04T00:00:00"))
    ended = (await rating.client.get(f"/v1/blocks/{new['id']}")).json()
    assert (ended["drawn"], ended["expired"], ended["left"]) == ("2.00", "1.00", "0.00")
    await holds(auditor)


async def test_what_comes_back_is_shared_as_before_and_what_was_voided_lapses(
    rating: Deployment, auditor: asyncpg.Connection
) -> None:
    await rating.customer("acme")
    await rating.meter("calls")
    for name in ("acme-1", "acme-2"):
        await rating.apply(terms(name, "acme", shares_meters=["calls"]))
    shared = {"contract": None, "customer": "acme", "contracts": ["acme-2", "acme-1"]}
    ended = await grant(rating, "ended", "2.00", expires="2024-01-31", **shared)
    voided = await grant(rating, "voided", "2.00")
    await rating.send(*(event(f"e{n}", "acme", utc("2024-01-10T12:00:00")) for n in range(2)))
    await rating.settled()
    await rating.advance(utc("2024-02-04T00:00:00"))
    await rating.client.post(f"/v1/blocks/{voided}/void", json={"reason": "x"})
    await rating.send(void("e0"), void("e1"))
    assert await corrected(rating) == [("0.00", "0.00")]
    found = {
        one["returned_from"]: (one["contracts"], one["left"])
        for one in (await rating.client.get("/v1/blocks")).json()["data"]
    }
    assert found == {None: found[None], ended: (["acme-2", "acme-1"], "2.00")}
    lapsed = (await rating.client.get(f"/v1/blocks/{voided}")).json()
    assert (lapsed["expired"], lapsed["left"]) == ("2.00", "0.00")
    await holds(auditor)


async def test_what_is_taken_of_a_block_after_its_time_comes_of_what_lapsed(
    rating: Deployment, auditor: asyncpg.Connection
) -> None:
    """A gift of 9.00, 3.00 of which lapsed: one more call takes 2.00 back of that, and two fewer then give 4.00 on."""
    await january_of_three_calls(rating, credits=[{"key": "gift", "amount": "9.00", "expires": "2024-01-31"}])
    await rating.send(event("late", "acme", utc("2024-01-11T00:00:00")))
    assert await corrected(rating) == [("8.00", "0.00")]
    await rating.send(void("e0"), void("e1"))
    assert await corrected(rating) == [("4.00", "0.00")]
    assert [row[1:] for row in await rows(rating)] == [
        ("grant", 900, "clause"),
        ("draw", -600, "statement"),
        ("expiry", -300, "ended"),
        ("draw", -200, "correction"),
        ("revived", 200, "statement"),
        ("return", 400, "correction"),
        ("adjustment", -400, "returned"),
        ("grant", 400, "returned"),
    ]
    await holds(auditor)
