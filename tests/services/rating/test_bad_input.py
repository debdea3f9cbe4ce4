"""What people get wrong about money agreed beforehand, asked of a running service: the fault, its place and the remedy,
never a 500, and no row of the book is another afterwards."""

import asyncio
from datetime import timedelta
from typing import Any

from services.rating.blocks.requests import CONTRACTS_MAX
from services.rating.blocks.usecases.grant import BLOCKS_MAX
from tests.services.rating.deployment import Deployment, event, terms, utc

#: What a refused call could have left behind.
KEPT = (
    "contracts",
    "contract_versions",
    "periods",
    "statements",
    "stale",
    "blocks",
    "block_contracts",
    "block_rows",
    "asked_beforehand",
    "corrections",
    "correction_marks",
    "late_decisions",
    "audit",
    "outbox",
)
MANY = 10_000
MATRIX = {"model": "matrix", "dimensions": ["region"]}
ROWS = [{"region": str(n), "unit": "1"} for n in range(MANY + 1)]


def line(**over: Any) -> dict[str, Any]:
    return {**terms("acme-1", "acme")["lines"][0], **over}


def credit(**over: Any) -> dict[str, Any]:
    return {"credits": [{"key": "gift", "amount": "5", **over}]}


def commitment(**over: Any) -> dict[str, Any]:
    return {"commitments": [{"key": "year", "amount": "120", **over}]}


def discounts(*found: dict[str, Any]) -> dict[str, Any]:
    return {"discounts": list(found)}


def per_unit(unit: Any) -> dict[str, Any]:
    return {"model": "per_unit", "unit": unit}


#: What is wrong with terms: changes, path, code, and a word of the remedy.
TERMS: dict[str, tuple[dict[str, Any], str, str, str]] = {
    "an expiry before the start": (
        credit(effective="2024-03-01", expires="2024-02-01"),
        "credits[0].expires",
        "expires_before_it_begins",
        "write an expiry after that",
    ),
    "an empty block": (credit(amount="0"), "credits[0].amount", "not_positive", "greater than zero"),
    "a commitment of zero": (
        commitment(amount="0.00"),
        "commitments[0].amount",
        "not_positive",
        "greater than zero",
    ),
    "overage under its price": (
        commitment(overage_percent="99.99"),
        "commitments[0].overage_percent",
        "overage_below_price",
        "write at least 100",
    ),
    "a minimum above the cap": (
        {"cap": {"spend_per_period": "5"}, "phases": [{"from": "2024-01-01", "minimum_spend": "5.01"}]},
        "phases[0].minimum_spend",
        "minimum_above_cap",
        "lower it, or raise the cap",
    ),
    "a line's minimum above its maximum": (
        {"lines": [line(minimum="2", maximum="1")]},
        "lines[0].minimum",
        "minimum_above_maximum",
        "lower it",
    ),
    "two discounts of one key": (
        discounts({"key": "deal", "percent": "1"}, {"key": "deal", "amount": "2"}),
        "discounts[1].key",
        "duplicate_key",
        "a key names one clause",
    ),
    "an escalator of all there is": (
        {"escalators": [{"percent": "-100", "every_months": 12}]},
        "escalators[0].percent",
        "nothing_left",
        "write more than -100",
    ),
    "a version before the term": (
        {"effective": "2023-12-31"},
        "effective",
        "effective_before_term",
        "at or after the term's start",
    ),
    "a charge before it takes force": (
        {
            "effective": "2024-01-10",
            "lines": [line(), {"key": "setup", "kind": "one_off", "amount": "5", "date": "2024-01-09"}],
        },
        "lines[1].date",
        "due_before_effect",
        "give it a later day",
    ),
    "an amount of 1e19": (
        {"lines": [line(price=per_unit("1e19"))]},
        "lines[0].price.unit",
        "not_a_decimal",
        "19 integer digits",
    ),
    "the same with all its digits": (
        commitment(amount=10**19),
        "commitments[0].amount",
        "not_a_decimal",
        "19 integer digits",
    ),
    "more than is billed, in fewer digits": (
        credit(amount="9999999999999999999"),
        "credits[0].amount",
        "too_large",
        "write less",
    ),
    "10,000 edges by discounts": (
        discounts(
            *(
                {"key": f"d{n}", "percent": "1", "until": f"2024-01-{1 + n % 28:02}T00:00:{n % 60:02}Z"}
                for n in range(MANY)
            )
        ),
        "discounts",
        "too_long",
        "leave out what is over",
    ),
    "10,000 rows and one": (
        {"lines": [line(price={**MATRIX, "rates": ROWS})]},
        "lines[0].price.rates",
        "too_long",
        "leave out what is over",
    ),
    "both ways of converting": (
        {"lines": [line(convert={"multiply": "2", "divide": "3"})]},
        "lines[0].convert.multiply",
        "more_than_one_measure",
        "either multiply or divide",
    ),
    "a rounding that cannot be paid": (
        {"lines": [line(rounding={"step": "0.001"})]},
        "lines[0].rounding.step",
        "not_whole_minor_units",
        "write that or more",
    ),
}
BLOCK = {"contract": "acme-1", "kind": "promotional", "amount": "10.00", "currency": "USD", "reason": "x"}
#: What is wrong with a block: changes, and what its path holds.
BLOCKS: dict[str, tuple[dict[str, Any], str]] = {
    "an expiry before the start": ({"effective": "2024-03-01", "expires": "2024-02-01"}, "expires"),
    "an empty block": ({"amount": "0"}, "amount"),
    "an amount of 1e19": ({"amount": "1e19"}, "amount"),
    "the same with all its digits": ({"amount": str(10**19)}, "amount"),
    "a block shared by 21 contracts": (
        {"contract": None, "customer": "acme", "contracts": [f"c-{n}" for n in range(CONTRACTS_MAX + 1)]},
        "contracts",
    ),
}


async def book(rating: Deployment) -> dict[str, str]:
    """Return table → a hash of its rows."""
    found = {}
    for table in KEPT:
        rows = await rating.context.db.pool.fetchval(
            f"select md5(coalesce(string_agg(t::text, '\n' order by t::text), '')) from rating.{table} t"
        )
        found[table] = str(rows)
    return found


async def january(rating: Deployment, **more: Any) -> None:
    """Two calls at 2.00, priced, and nothing under way."""
    await rating.customer("acme")
    await rating.meter("calls")
    await rating.apply({**terms("acme-1", "acme"), **more})
    await rating.send(*(event(f"e{n}", "acme", utc("2024-01-05T10:00:00")) for n in range(2)))
    await rating.settled()


async def at_rest(rating: Deployment) -> dict[str, str]:
    """Return the book once what was told has left it."""
    while await rating.context.db.pool.fetchval("select exists (select from rating.outbox)"):
        await asyncio.sleep(0.02)
    return await book(rating)


async def test_bad_terms_are_refused_with_fault_and_remedy_and_change_no_row(rating: Deployment) -> None:
    await january(rating)
    before = await at_rest(rating)
    for name, (over, path, code, remedy) in TERMS.items():
        for written in ("acme-1", "acme-2"):
            if written == "acme-2" and code == "due_before_effect":
                continue
            answer = await rating.apply({**terms(written, "acme"), **over}, status=422)
            told = {error["path"]: error for error in answer["errors"]}
            assert told[path]["code"] == code and remedy in told[path]["detail"], f"{name}: {answer}"
            assert path in answer["detail"], f"{name}: one sentence of where it is"
    assert await book(rating) == before
    assert (await rating.stored("acme-1", "2024-01-01")).subtotal_minor == 400


async def test_bad_blocks_are_refused_with_fault_and_remedy_and_change_no_row(rating: Deployment) -> None:
    await january(rating)
    before = await at_rest(rating)
    for name, (over, path) in BLOCKS.items():
        answer = await rating.client.post("/v1/blocks", json={**BLOCK, **over})
        assert answer.status_code == 422, f"{name}: {answer.text}"
        (error,) = answer.json()["errors"]
        assert path in str(error) and len(str(error)) > 40, f"{name}: {error}"
    assert await book(rating) == before


async def test_more_edges_in_a_period_than_are_priced_are_refused_with_the_remedy(
    rating: Deployment,
) -> None:
    """Each of so many blocks would cut the month; a contract has two hundred, and a period four hundred cuts."""
    granted = {name: value for name, value in BLOCK.items() if name != "reason"}
    asked: dict[str, Any] = {"versions": [terms("acme-1", "acme")], "until": "2024-02-01"}
    for many, status, code in ((MANY, 413, "body_too_large"), (2_000, 422, "question_invalid")):
        blocks = [
            {
                **granted,
                "id": f"b{n}",
                "effective": f"2024-01-{2 + n // 1440:02}T{n // 60 % 24:02}:{n % 60:02}:00Z",
            }
            for n in range(many)
        ]
        answer = await rating.client.post("/v1/price", json={**asked, "blocks": blocks})
        assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text
    (error,) = answer.json()["errors"]
    assert (error["path"], error["code"]) == ("blocks", "too_long"), error
    credits = [{"key": f"c{n}", "amount": "1", **_span(n)} for n in range(100)]
    blocks = [{**granted, "id": f"b{n}", **_span(n)} for n in range(100, 201)]
    cut = await rating.client.post(
        "/v1/price", json={**asked, "blocks": blocks, "versions": [terms("acme-1", "acme", credits=credits)]}
    )
    assert (cut.status_code, cut.json()["code"]) == (422, "too_many_edges"), cut.text
    assert "refill credits less often" in cut.json()["detail"]


async def test_a_block_beyond_those_that_a_contract_may_draw_on_is_refused_and_the_others_pay(
    rating: Deployment,
) -> None:
    await january(rating, credits=[{"key": f"c{n}", "amount": "1", **_span(n)} for n in range(100)])
    for n in range(100, BLOCKS_MAX):
        answer = await rating.client.post("/v1/blocks", json={**BLOCK, **_span(n)})
        assert answer.status_code == 201, answer.text
    refused = await rating.client.post("/v1/blocks", json={**BLOCK, **_span(BLOCKS_MAX)})
    assert (refused.status_code, refused.json()["code"]) == (409, "too_many_blocks")
    assert "let some end first" in refused.json()["detail"]
    await rating.settled()
    said = await rating.stored("acme-1", "2024-01-01")
    assert (said.subtotal_minor, sum(draw.amount_minor for draw in said.lines[0].draws)) == (400, 100)


def _span(n: int) -> dict[str, str]:
    """From one minute of January to the next."""
    at = utc("2024-01-02T00:00:00") + timedelta(hours=n)
    return {"effective": f"{at.isoformat()}", "expires": f"{(at + timedelta(minutes=1)).isoformat()}"}


async def test_a_decision_on_another_contracts_range_is_refused_and_decides_nothing(
    rating: Deployment,
) -> None:
    """Usage of one is held; the other has none, and what was looked at of the one is nothing of the other."""
    late = {"late_usage": {"accept_days": 20}}
    await rating.customer("other")
    await january(rating, **late)
    await rating.apply({**terms("other-1", "other"), **late})
    await rating.advance(utc("2024-02-25T00:00:00"))
    await rating.send(event("late", "acme", utc("2024-01-07T10:00:00")))
    await rating.settled()
    (held,) = (await rating.client.get("/v1/late-usage")).json()["data"]
    body = {"decision": "waive", "reason": "x", "up_to": held["watermark"]}
    before = await at_rest(rating)
    for where in ("other-1/2024-01-01", "acme-1/2024-02-01", "nobody/2024-01-01", "acme-1/2023-12-01"):
        answer = await rating.client.post(f"/v1/late-usage/{where}/decision", json=body)
        assert answer.status_code == 404 and len(answer.json()["detail"]) > 20, answer.text
    beyond = {partition: batch + 1 for partition, batch in held["watermark"].items()}
    for up_to, status in ((beyond, 409), ({"0": -1}, 422), ({"99": 1}, 409)):
        answer = await rating.client.post(
            "/v1/late-usage/acme-1/2024-01-01/decision", json={**body, "up_to": up_to}
        )
        assert answer.status_code == status and len(answer.text) > 60, answer.text
    assert await book(rating) == before
    assert (await rating.client.get("/v1/late-usage")).json()["data"] == [held]


async def test_a_correction_that_is_run_twice_at_once_asks_once(rating: Deployment) -> None:
    await january(rating)
    await rating.advance(utc("2024-02-05T00:00:00"))
    await rating.send(event("late", "acme", utc("2024-01-07T10:00:00")))
    await rating.settled()
    answers = await asyncio.gather(
        *(rating.client.post("/v1/contracts/acme-1/corrections") for _ in range(4))
    )
    assert [answer.status_code for answer in answers] == [200] * 4, [answer.text for answer in answers]
    made = [one["asked"] for answer in answers for one in answer.json()["corrections"]]
    assert made == ["2.00"]
    notes = [one.occasion for one in await rating.said() if one.occasion.startswith("note:")]
    assert notes == ["note:1"]
