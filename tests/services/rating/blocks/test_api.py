"""Blocks that calls grant, change and end."""

import asyncio
import base64
import json
from typing import Any

import asyncpg
import pytest

from services.billing.conservation.checks.k5_blocks import blocks, draws_of
from services.rating.blocks.usecases.grant import BLOCKS_MAX
from shared.topics.rating import STATEMENTS, StatementMessage
from tests.services.rating.deployment import Deployment, event, terms, utc

BLOCK = {
    "contract": "acme-1",
    "kind": "promotional",
    "amount": "10.00",
    "currency": "USD",
    "reason": "goodwill",
}


async def started(rating: Deployment) -> None:
    await rating.customer("acme")
    await rating.meter("calls")
    await rating.apply(terms("acme-1", "acme"))


async def post(rating: Deployment, path: str, body: dict[str, Any], status: int = 200) -> Any:
    answer = await rating.client.post(path, json=body)
    assert answer.status_code == status, answer.text
    return answer.json()


async def use(rating: Deployment, units: int, day: str = "2024-01-05") -> None:
    await rating.send(*(event(f"{day}-{n}", "acme", utc(f"{day}T10:00:00")) for n in range(units)))
    await rating.settled()


async def of(rating: Deployment, block: str) -> dict[str, Any]:
    found: dict[str, Any] = (await rating.client.get(f"/v1/blocks/{block}")).json()
    rows = (await rating.client.get(f"/v1/blocks/{block}/rows")).json()["data"]
    assert sum(cents(row["amount"]) for row in rows) == cents(found["left"]) >= 0
    return found


def cents(amount: str) -> int:
    return round(float(amount) * 100)


async def test_a_granted_block_pays_from_its_first_instant_and_is_told_row_by_row(rating: Deployment) -> None:
    """Calls cost 2.00: two before it begins, three after."""
    await started(rating)
    await use(rating, 2, "2024-01-02")
    granted = await post(rating, "/v1/blocks", {**BLOCK, "effective": "2024-01-03"}, 201)
    assert (granted["granted"], granted["left"], granted["contracts"]) == ("10.00", "10.00", ["acme-1"])
    await use(rating, 3)
    found = await of(rating, granted["id"])
    assert (found["drawn"], found["left"], found["held"]) == ("6.00", "4.00", "0.00")
    rows = (await rating.client.get(f"/v1/blocks/{granted['id']}/rows")).json()["data"]
    statement = await rating.stored("acme-1", "2024-01-01")
    assert [(row["kind"], row["amount"], row["statement"], row["line"], row["slice"]) for row in rows] == [
        ("grant", "10.00", None, None, None),
        ("draw", "-6.00", statement.statement_id, statement.lines[0].line_id, "2024-01-03T00:00:00Z"),
    ]
    page = (await rating.client.get("/v1/blocks", params={"contract": "acme-1", "limit": 1})).json()
    assert [one["id"] for one in page["data"]] == [granted["id"]]


async def test_what_is_taken_off_is_there(rating: Deployment) -> None:
    await started(rating)
    block = (await post(rating, "/v1/blocks", {**BLOCK, "effective": "2024-01-01"}, 201))["id"]
    await use(rating, 3)
    refused = await post(rating, f"/v1/blocks/{block}/adjustments", {"amount": "-4.01", "reason": "x"}, 409)
    assert refused["code"] == "balance_too_small" and "4.00 USD are left" in refused["detail"]
    await post(rating, f"/v1/blocks/{block}/adjustments", {"amount": "-4.00", "reason": "too much"})
    await use(rating, 1, "2024-01-06")
    assert (await of(rating, block))["left"] == "0.00"
    await post(rating, f"/v1/blocks/{block}/adjustments", {"amount": "1.50", "reason": "back"})
    await rating.settled()
    found = await of(rating, block)
    assert (found["adjusted"], found["drawn"], found["left"]) == ("-2.50", "7.50", "0.00")


async def test_a_voided_block_pays_what_was_used_before_also_if_that_comes_late(rating: Deployment) -> None:
    await started(rating)
    block = (await post(rating, "/v1/blocks", {**BLOCK, "effective": "2024-01-01"}, 201))["id"]
    await use(rating, 1, "2024-01-05")
    await rating.advance(utc("2024-01-10T00:00:00"), test_clock=True)
    voided = await post(rating, f"/v1/blocks/{block}/void", {"reason": "not theirs"})
    assert (voided["voided"], voided["left"]) == ("8.00", "0.00")
    await use(rating, 2, "2024-01-06")
    await use(rating, 5, "2024-01-11")
    found = await of(rating, block)
    assert (found["drawn"], found["voided"], found["expired"], found["left"]) == (
        "6.00",
        "8.00",
        "-4.00",
        "0.00",
    )
    assert (await post(rating, f"/v1/blocks/{block}/void", {"reason": "again"}, 409))["code"] == "block_ended"


async def test_what_is_left_of_a_prepaid_block_is_refunded_once(rating: Deployment) -> None:
    await started(rating)
    paid = {**BLOCK, "kind": "prepaid", "document": "none", "effective": "2024-01-01"}
    block = (await post(rating, "/v1/blocks", paid, 201))["id"]
    await use(rating, 1)
    await rating.advance(utc("2024-01-05T12:00:00"), test_clock=True)
    refunded = await post(rating, f"/v1/blocks/{block}/refund", {"reason": "they left"})
    assert (refunded["refunded"], refunded["left"]) == ("8.00", "0.00")
    await use(rating, 1, "2024-01-06")
    assert (await of(rating, block))["drawn"] == "2.00"
    given = (await post(rating, "/v1/blocks", BLOCK, 201))["id"]
    assert (await post(rating, f"/v1/blocks/{given}/refund", {"reason": "x"}, 409))[
        "code"
    ] == "nothing_to_refund"


async def test_a_block_of_a_clause_stays_as_it_was_agreed(rating: Deployment) -> None:
    await rating.customer("acme")
    await rating.meter("calls")
    await rating.apply(terms("acme-1", "acme", credits=[{"key": "gift", "amount": "5.00"}]))
    await rating.settled()
    (block,) = (await rating.client.get("/v1/blocks")).json()["data"]
    for path, body in (("void", {}), ("refund", {}), ("adjustments", {"amount": "1.00"})):
        answer = await post(rating, f"/v1/blocks/{block['id']}/{path}", {**body, "reason": "x"}, 409)
        assert answer["code"] == "block_of_clause" and "gift" in answer["detail"]


REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"amount": "0"}, "amount"),
    ({"amount": "1.001"}, "amount"),
    ({"amount": "9999999999999999999"}, "amount"),
    ({"expires": "2023-12-30"}, "expires"),
    ({"currency": "EUR"}, "currency"),
    ({"contract": "nobody"}, "contract"),
    ({"unit": "credits"}, ""),
    ({"cost_basis": "0.8"}, ""),
    ({"kind": "prepaid", "cost_basis": "0"}, ""),
    ({"kind": "prepaid", "cost_basis": "1.01"}, "cost_basis"),
    ({"kind": "prepaid", "cost_basis": 0.8}, "cost_basis"),
    ({"kind": "prepaid", "cost_basis": "-0.5"}, "cost_basis"),
    ({"kind": ["prepaid"], "cost_basis": "0.8"}, "kind"),
    ({"document": "prepayment"}, ""),
    ({"overdraft": "5.00"}, ""),
    ({"kind": "prepaid", "effective": "2031-01-01"}, "effective"),
    ({"kind": "commitment"}, "kind"),
    ({"contract": None}, ""),
    ({"contract": None, "customer": "acme", "contracts": ["acme-1", "acme-1"]}, ""),
    ({"contract": None, "customer": "acme", "contracts": [f"c-{n}" for n in range(21)]}, ""),
    ({"contract": None, "customer": "other", "contracts": ["acme-1"]}, "contracts[0]"),
]


async def test_what_cannot_be_granted_is_refused_and_nothing_is_kept(rating: Deployment) -> None:
    """One after the other in one deployment, in which a block that is granted after all would be found."""
    await started(rating)
    for over, path in REFUSED:
        answer = await rating.client.post("/v1/blocks", json={**BLOCK, **over})
        assert answer.status_code == 422, (over, answer.text)
        refused = answer.json()
        assert path in str(refused["errors"]) and len(str(refused)) > 40, (over, refused)
        assert (await rating.client.get("/v1/blocks")).json()["data"] == [], over


async def test_a_block_that_is_not_there_is_not_found(rating: Deployment) -> None:
    for path in ("", "/rows"):
        assert (await rating.client.get(f"/v1/blocks/blk_none{path}")).status_code == 404
    await post(rating, "/v1/blocks/blk_none/void", {"reason": "x"}, 404)


async def test_figures_beyond_what_is_kept_are_refused(rating: Deployment) -> None:
    await started(rating)
    most = {**BLOCK, "amount": "92233720368547758.07"}
    block = (await post(rating, "/v1/blocks", most, 201))["id"]
    answer = await post(rating, f"/v1/blocks/{block}/adjustments", {"amount": "0.01", "reason": "x"}, 409)
    assert answer["code"] == "balance_too_large"
    beyond = base64.urlsafe_b64encode(json.dumps([2**70]).encode()).decode()
    refused = await rating.client.get(f"/v1/blocks/{block}/rows", params={"cursor": beyond})
    assert (refused.status_code, refused.json()["code"]) == (422, "cursor_invalid"), refused.text


async def test_a_final_period_that_cannot_be_corrected_keeps_what_it_drew(rating: Deployment) -> None:
    """January would draw what February drew, and February's late usage is more than can be billed."""
    await rating.customer("acme")
    await rating.meter("calls", aggregation="sum", field="units")
    await rating.apply(terms("acme-1", "acme"))
    block = (await post(rating, "/v1/blocks", {**BLOCK, "effective": "2024-01-01"}, 201))["id"]
    january, february = utc("2024-01-05T10:00:00"), utc("2024-02-05T10:00:00")
    await rating.send(event("j", "acme", january, {"units": 1}), event("f", "acme", february, {"units": 3}))
    await rating.settled()
    await rating.advance(utc("2024-03-04T00:00:00"))
    assert (await of(rating, block))["left"] == "2.00"
    await rating.send(
        event("late-j", "acme", january, {"units": 9}), event("late-f", "acme", february, {"units": 10**18})
    )
    await rating.settled()
    made = await post(rating, "/v1/contracts/acme-1/corrections", {})
    assert [(one["period"]["start"], one["asked"]) for one in made["corrections"]] == [
        ("2024-01-01", "16.00")
    ]
    assert (await of(rating, block))["left"] == "0.00"
    marked = await rating.context.db.pool.fetch("select period_start from rating.correction_marks")
    assert [row["period_start"] for row in marked] == [utc("2024-02-01T00:00:00")]


async def asked_of(rating: Deployment, block: str) -> list[StatementMessage]:
    rows = await rating.context.db.pool.fetch(
        "select said from rating.asked_beforehand where block_id = $1 and said is not null", block
    )
    return [STATEMENTS.decode(row["said"].encode()) for row in rows]


async def test_a_prepaid_block_is_asked_for_on_its_date(
    rating: Deployment, auditor: asyncpg.Connection
) -> None:
    """It begins in February, which is not open yet."""
    await started(rating)
    paid = {**BLOCK, "kind": "prepaid", "amount": "10.01", "effective": "2024-02-10"}
    granted = await post(rating, "/v1/blocks", {**paid, "expires": "2024-03-09"}, 201)
    assert granted["document"] == "prepayment"
    await rating.settled()
    await rating.advance(utc("2024-02-09T23:59:59"), test_clock=True)
    await rating.settled()
    assert await asked_of(rating, granted["id"]) == []
    await rating.advance(utc("2024-02-10T00:00:00"), test_clock=True)
    await rating.settled()
    [said] = await asked_of(rating, granted["id"])
    assert (said.occasion, said.document_minor, said.final) == (f"prepayment:{granted['id']}", 1001, True)
    assert (said.period_start_date, said.period_end_date) == ("2024-02-10", "2024-03-09")
    await use(rating, 2, "2024-02-11")
    assert (await of(rating, granted["id"]))["left"] == "6.01"
    refused = await post(rating, f"/v1/blocks/{granted['id']}/void", {"reason": "x"}, 409)
    assert refused["code"] == "block_documented" and "refund" in refused["detail"]
    back = await post(rating, f"/v1/blocks/{granted['id']}/refund", {"reason": "they left"})
    assert (back["refunded"], back["left"]) == ("6.01", "0.00")
    assert (await blocks(auditor, None, drained=False)).breaks == ()


async def test_a_block_that_was_sold_below_its_amount_is_asked_for_and_given_back_at_what_was_paid(
    rating: Deployment, auditor: asyncpg.Connection
) -> None:
    """1,000.01 for 800.01, which is 800.008: 4.00 are drawn."""
    await started(rating)
    paid = {**BLOCK, "kind": "prepaid", "amount": "1000.01", "effective": "2024-01-05", "cost_basis": "0.80"}
    granted = await post(rating, "/v1/blocks", paid, 201)
    assert (granted["cost_basis"], granted["granted"], granted["paid_left"]) == ("0.8", "1000.01", "800.01")
    await rating.settled()
    await rating.advance(utc("2024-01-05T00:00:00"), test_clock=True)
    await rating.settled()
    [said] = await asked_of(rating, granted["id"])
    assert said.document_minor == 80_001 and said.explanation is not None
    assert [step.op for steps in said.explanation.values() for step in steps] == ["cost", "part"]
    await use(rating, 2, "2024-01-11")
    await rating.advance(utc("2024-01-20T00:00:00"), test_clock=True)
    drafted = await of(rating, granted["id"])
    assert (drafted["left"], drafted["paid_left"]) == ("996.01", "800.01"), "the draft is no fact yet"
    back = await post(rating, f"/v1/blocks/{granted['id']}/refund", {"reason": "they left"})
    assert (back["refunded"], back["given_back"], back["left"]) == ("996.01", "796.81", "0.00")
    assert back["paid_left"] == "3.20", "what the draft draws"
    await rating.advance(utc("2024-02-10T00:00:00"), test_clock=True)
    await rating.settled()
    assert (await of(rating, granted["id"]))["paid_left"] == "0.00"
    rows = (await rating.client.get(f"/v1/blocks/{granted['id']}/rows")).json()["data"]
    assert {row["kind"]: (row["amount"], row["cost"]) for row in rows} == {
        "grant": ("1000.01", "800.01"),
        "draw": ("-4.00", "-3.20"),
        "refund": ("-996.01", "-796.81"),
    }
    assert (await blocks(auditor, None, drained=False)).breaks == ()


async def test_what_a_call_ends_as_it_began_pays_nothing_that_a_draft_had_drawn(
    rating: Deployment, auditor: asyncpg.Connection
) -> None:
    """It ends as the period begins, and the draft that drew on it is priced without it."""
    await started(rating)
    block = (await post(rating, "/v1/blocks", {**BLOCK, "effective": "2024-01-01"}, 201))["id"]
    await use(rating, 2, "2024-01-01")
    assert (await of(rating, block))["drawn"] == "4.00"
    await post(rating, f"/v1/blocks/{block}/void", {"reason": "a mistake"})
    await rating.settled()
    found = await of(rating, block)
    assert (found["drawn"], found["expired"], found["voided"], found["left"]) == (
        "0.00",
        "4.00",
        "6.00",
        "0.00",
    )
    assert (await draws_of(auditor, [("acme-1", utc("2024-01-01T00:00:00"))])).breaks == ()
    assert (await blocks(auditor, None, drained=False)).breaks == ()


@pytest.mark.parametrize(
    ("kind", "written", "shown"), [("prepaid", "1.0", "1"), ("promotional", "0.00", "0")]
)
async def test_what_a_block_of_its_kind_costs_anyway_may_be_written_out(
    rating: Deployment, kind: str, written: str, shown: str
) -> None:
    await started(rating)
    granted = await post(rating, "/v1/blocks", {**BLOCK, "kind": kind, "cost_basis": written}, 201)
    assert granted["cost_basis"] == shown
    rows = (await rating.client.get(f"/v1/blocks/{granted['id']}/rows")).json()["data"]
    assert [row["cost"] for row in rows] == [granted["granted"] if kind == "prepaid" else "0.00"]


async def test_a_prepaid_block_that_began_before_is_asked_for_at_once_and_once(rating: Deployment) -> None:
    await started(rating)
    await rating.advance(utc("2024-02-04T00:00:00"))
    paid = {**BLOCK, "kind": "prepaid"}
    for effective in ("2023-12-01", "2024-01-10", "2024-02-01"):
        granted = await post(rating, "/v1/blocks", {**paid, "effective": effective}, 201)
        await rating.settled()
        await rating.advance(utc("2024-02-04T00:00:00"))
        [said] = await asked_of(rating, granted["id"])
        assert (said.document_minor, said.period_start_date) == (1000, effective)


async def test_a_void_before_its_document_was_told_takes_that_back(rating: Deployment) -> None:
    await started(rating)
    paid = {**BLOCK, "kind": "prepaid", "effective": "2024-01-20"}
    block = (await post(rating, "/v1/blocks", paid, 201))["id"]
    refused = await post(rating, f"/v1/blocks/{block}/refund", {"reason": "x"}, 409)
    assert refused["code"] == "nothing_to_refund" and "void" in refused["detail"]
    assert (await post(rating, f"/v1/blocks/{block}/void", {"reason": "a mistake"}))["left"] == "0.00"
    await rating.advance(utc("2024-02-10T00:00:00"), test_clock=True)
    await rating.settled()
    assert await asked_of(rating, block) == []


async def test_what_was_added_is_given_back_too(rating: Deployment) -> None:
    await started(rating)
    paid = {**BLOCK, "kind": "prepaid", "document": "none"}
    block = (await post(rating, "/v1/blocks", paid, 201))["id"]
    await post(rating, f"/v1/blocks/{block}/adjustments", {"amount": "5.00", "reason": "goodwill"})
    back = await post(rating, f"/v1/blocks/{block}/refund", {"reason": "they left"})
    assert (back["refunded"], back["left"]) == ("15.00", "0.00")


async def test_a_balance_below_zero_pays_nothing_and_stays_until_it_is_made_up_for(
    rating: Deployment, auditor: asyncpg.Connection
) -> None:
    """10.00, 6.00 drawn by a final statement, 7.00 taken off: 3.00 are missing. What a draft drew is given back for it."""
    await started(rating)
    block = (await post(rating, "/v1/blocks", {**BLOCK, "effective": "2024-01-01"}, 201))["id"]
    await use(rating, 3)
    await rating.advance(utc("2024-02-04T00:00:00"))
    await use(rating, 1, "2024-02-05")
    assert (await of(rating, block))["left"] == "2.00"
    taken = {"amount": "-7.00", "reason": "a dispute", "allow_negative": True}
    assert (await post(rating, f"/v1/blocks/{block}/adjustments", taken))["left"] == "-5.00"
    await rating.settled()
    found = (await rating.client.get(f"/v1/blocks/{block}")).json()
    assert (found["drawn"], found["left"]) == ("6.00", "-3.00")
    await post(rating, f"/v1/blocks/{block}/adjustments", {"amount": "4.00", "reason": "paid"})
    await rating.settled()
    assert (await of(rating, block))["drawn"] == "7.00"
    assert (await blocks(auditor, None, drained=False)).breaks == ()


async def test_two_grants_at_once_find_room_for_one(rating: Deployment) -> None:
    await started(rating)
    granted = [rating.client.post("/v1/blocks", json=BLOCK) for _ in range(BLOCKS_MAX + 5)]
    answers = [answer.status_code for answer in await asyncio.gather(*granted)]
    assert sorted(answers) == [201] * BLOCKS_MAX + [409] * 5
