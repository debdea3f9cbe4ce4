"""Terms that read totals, once through the running service each: applied, priced from metered events, explained, stored."""

from decimal import Decimal
from typing import Any

import asyncpg

from services.billing.conservation.checks.k4_quantity import quantities_of
from tests.services.rating.deployment import Deployment, event, terms, utc


def calls(**over: Any) -> dict[str, Any]:
    """A line of calls at 2.00, changed as told."""
    line: dict[str, Any] = terms("acme-1", "acme")["lines"][0]
    return {**line, **over}


async def started(rating: Deployment, used: int, *days: str, **over: Any) -> dict[str, Any]:
    """Apply a contract and use it so often on each of these days; return what was applied."""
    await rating.customer("acme")
    await rating.meter("calls")
    applied: dict[str, Any] = await rating.apply(terms("acme-1", "acme", **over))
    for day in days or ("2024-01-05",):
        await rating.send(*(event(f"{day}-{n}", "acme", utc(f"{day}T10:00:00")) for n in range(used)))
    await rating.settled()
    return applied


async def amounts(rating: Deployment, start_date: str = "2024-01-01") -> dict[str, str]:
    """The lines of the statement by key, each of which its explanation adds up to."""
    statement = await rating.statement("acme-1", start_date)
    for line in statement["lines"]:
        place = f"/v1/statements/acme-1/{start_date}/lines/{line['id']}/explanation"
        steps = (await rating.client.get(place)).json()["steps"]
        assert sum(Decimal(step["amount"]) for step in steps if step["amount"]) == Decimal(line["amount"])
    return {line["key"]: line["amount"] for line in statement["lines"]}


async def test_lines_and_the_period_are_held_within_their_bounds(rating: Deployment) -> None:
    """6.00 of calls are raised to 10.00, a fee of 90.00 is cut to 50.00; 60.00 is 20.00 beyond the cap."""
    fee = {"key": "fee", "kind": "recurring", "amount": "90.00", "maximum": "50.00"}
    applied = await started(rating, 3, lines=[calls(minimum="10.00"), fee], cap={"spend_per_period": "40.00"})
    assert await amounts(rating) == {"fee": "50.00", "calls": "10.00", "cap": "-20.00"}
    assert [(clause["section"], clause["kind"]) for clause in applied["clauses"]] == [
        ("lines", "usage"),
        ("lines", "recurring"),
        ("cap", "cap"),
    ]
    said = await rating.stored("acme-1", "2024-01-01")
    assert (said.subtotal_minor, said.lines[-1].clause_id) == (4000, applied["clauses"][-1]["clause"])


async def test_bounds_that_cross_are_refused_and_nothing_is_recorded(rating: Deployment) -> None:
    await rating.customer("acme")
    await rating.meter("calls")
    crossed = terms("acme-1", "acme", lines=[calls(minimum="2", maximum="1")])
    answer = await rating.apply(crossed, status=422)
    assert answer["errors"] == [
        {
            "path": "lines[0].minimum",
            "code": "minimum_above_maximum",
            "detail": "It is at most the maximum, 1; lower it, or raise the maximum.",
        }
    ]
    assert (await rating.client.get("/v1/contracts/acme-1")).status_code == 404


async def test_what_january_leaves_of_its_allowance_covers_february(rating: Deployment) -> None:
    """Of 5 calls 2 are used: 3 go over, and of 9 in February 1 is charged. A late one in January takes one of them."""
    line = calls(included={"units": "5", "roll_over": True})
    await started(rating, 2, lines=[line])
    await rating.advance(utc("2024-02-02T00:00:00"))
    await rating.send(*(event(f"feb-{n}", "acme", utc("2024-02-02T10:00:00")) for n in range(9)))
    await rating.settled()
    assert await amounts(rating) == {"calls": "0.00"}
    assert await amounts(rating, "2024-02-01") == {"calls": "2.00"}
    await rating.send(event("late", "acme", utc("2024-01-31T10:00:00")))
    await rating.settled()
    assert await amounts(rating, "2024-02-01") == {"calls": "4.00"}
    await rating.advance(utc("2024-03-10T00:00:00"))
    await rating.settled()
    february = await rating.stored("acme-1", "2024-02-01")
    assert (february.final, february.subtotal_minor) == (True, 400)


async def test_units_are_converted_and_amounts_rounded_and_what_is_included_is_said_with_what_was_rolled_over(
    rating: Deployment, auditor: asyncpg.Connection
) -> None:
    """Tens begun, 3 included: 5 calls are 1 of them, so February has 2 more, and of its 6 one is charged 2.00, by steps of
    0.75."""
    ten = {"divide": "10", "round": {"mode": "up", "scale": 0}}
    line = calls(
        convert=ten, included={"units": "3", "roll_over": True}, rounding={"step": "0.75", "mode": "up"}
    )
    fee = {"key": "fee", "kind": "recurring", "amount": "30.00", "proration": "strict_30"}
    await started(rating, 5, lines=[line, fee])
    await rating.advance(utc("2024-02-02T00:00:00"))
    await rating.apply(
        terms("acme-1", "acme", lines=[line, {**fee, "amount": "60.00"}], effective="2024-02-11")
    )
    await rating.send(*(event(f"feb-{n}", "acme", utc("2024-02-02T10:00:00")) for n in range(51)))
    await rating.settled()
    assert await amounts(rating) == {"fee": "30.00", "calls": "0.00"}
    assert await amounts(rating, "2024-02-01") == {"fee": "50.00", "calls": "2.25"}
    said = await rating.stored("acme-1", "2024-02-01")
    assert {name: value for name, value in said.consumption.items() if name.endswith("calls")} == {
        "included:calls": "5",
        "used:calls": "6",
    }
    line_of_calls = said.lines[1]
    assert line_of_calls.quantity == 51 and line_of_calls.segments[0].converted == 6
    periods = [("acme-1", utc(f"2024-0{month}-01T00:00:00")) for month in (1, 2)]
    assert (await quantities_of(auditor, periods)).holds


async def test_a_one_off_charge_is_on_the_statement_of_its_day_alone(rating: Deployment) -> None:
    setup = {"key": "setup", "kind": "one_off", "amount": "250.00", "date": "2024-01-31"}
    await started(rating, 1, lines=[calls(), setup], cap={"spend_per_period": "1.50"})
    await rating.advance(utc("2024-02-02T00:00:00"))
    assert await amounts(rating) == {"calls": "2.00", "setup": "250.00", "cap": "-0.50"}
    assert await amounts(rating, "2024-02-01") == {"calls": "0.00"}


async def test_a_fee_of_two_months_is_on_every_second_statement(rating: Deployment) -> None:
    """A change on 1 February counts by the days: 31 of 60 at 60.00 and 29 at 120.00."""
    fee = {"key": "fee", "kind": "recurring", "amount": "60.00", "every": {"months": 2}}
    await started(rating, 1, lines=[calls(), fee])
    await rating.advance(utc("2024-01-20T00:00:00"))
    dearer = terms("acme-1", "acme", lines=[calls(), {**fee, "amount": "120.00"}], effective="2024-02-01")
    await rating.apply(dearer)
    await rating.advance(utc("2024-03-10T00:00:00"))
    await rating.settled()
    assert await amounts(rating) == {"calls": "2.00"}
    assert await amounts(rating, "2024-02-01") == {"fee": "89.00", "calls": "0.00"}
    assert (await rating.stored("acme-1", "2024-02-01")).final
    monthly = {**fee, "every": {"months": 1}}
    refused = await rating.apply(terms("acme-1", "acme", lines=[calls(), monthly]), status=422)
    assert [error["path"] for error in refused["errors"]] == ["lines.fee.every"]


async def test_what_no_rate_prices_is_stated_and_an_exception_until_a_rate_is_there(
    rating: Deployment,
) -> None:
    """Two calls of a region without a rate, at a list price of 0.50, beside one that costs 3.00."""
    await rating.customer("acme")
    listed = {"currency": "USD", "unit": "0.50"}
    await rating.meter("calls", group_by=["region"], list_price=listed)
    rates = [{"region": ["eu", "ch"], "unit": "3.00"}]
    price = {"model": "matrix", "dimensions": ["region"], "rates": rates, "unmatched": "leave"}
    await rating.apply(terms("acme-1", "acme", lines=[calls(price=price)]))
    for name, region in (("a", "ch"), ("b", "us"), ("c", "us")):
        await rating.send(event(name, "acme", utc("2024-01-05T10:00:00"), {"region": region}))
    await rating.settled()
    assert await amounts(rating) == {"calls": "3.00"}
    statement = await rating.statement("acme-1", "2024-01-01")
    segments = {one["group"]["region"]: one for one in statement["lines"][0]["segments"]}
    assert (segments["us"]["unpriced"], segments["us"]["exact"], segments["ch"]["unpriced"]) == (
        "2",
        "0",
        "0",
    )

    async def exceptions() -> list[Any]:
        found = await rating.client.get("/v1/exceptions", params={"kind": "usage_unpriced"})
        answer: list[Any] = found.json()["data"]
        return answer

    (opened,) = await exceptions()
    assert opened["owner"] == "finance" and "region=us" in opened["detail"]
    assert opened["price"] == {"amount": "1.00", "currency": "USD"}
    more = {**price, "rates": [*rates, {"region": "us", "unit": "1.00"}]}
    await rating.apply(terms("acme-1", "acme", lines=[calls(price=more)], effective="2024-01-01T00:00:00Z"))
    await rating.settled()
    assert await amounts(rating) == {"calls": "5.00"} and await exceptions() == []


BAD: list[tuple[dict[str, Any], str]] = [
    ({"lines": [calls(minimum="2", maximum="1")]}, "lines[0].minimum"),
    ({"lines": [calls()], "cap": {"spend_per_period": "1" + 19 * "0"}}, "cap.spend_per_period"),
    ({"lines": [calls(included={"units": 10**19})]}, "lines[0].included.units"),
    ({"lines": [calls(price={"model": "graduated", "tiers": []})]}, "lines[0].price.tiers"),
    ({"lines": [calls(price={"model": "blocks", "tiers": []})]}, "lines[0].price.tiers"),
    (
        {
            "lines": [calls()],
            "phases": [{"from": f"{year}-01-01", "minimum_spend": "1"} for year in range(1000, 1201)],
        },
        "phases",
    ),
    (
        {
            "lines": [calls()],
            "phases": [{"from": "2024-01-01", "minimum_spend": "2", "cap": {"spend_per_period": "1"}}],
        },
        "phases[0].minimum_spend",
    ),
    (
        {"lines": [{"key": "s", "kind": "one_off", "amount": "1", "date": "2023-12-31"}]},
        "lines[0].date",
    ),
    (
        {"lines": [{"key": "s", "kind": "recurring", "amount": "1", "every": {"months": 0}}]},
        "lines[0].every.months",
    ),
    ({"lines": [calls(included={"units": "1", "per": "day"})]}, "lines[0].included.per"),
    ({"lines": [calls(per_bucket={"window": "hour"})]}, "lines[0].per_bucket"),
]


async def test_what_cannot_be_priced_is_refused_with_its_path_and_nothing_is_recorded(
    rating: Deployment,
) -> None:
    await rating.customer("acme")
    await rating.meter("calls")
    for over, path in BAD:
        answer = await rating.apply(terms("acme-1", "acme", **over), status=422)
        assert path in [error["path"] for error in answer["errors"]], answer
        assert "Tuple" not in answer["detail"], answer
    assert (await rating.client.get("/v1/contracts/acme-1")).status_code == 404
