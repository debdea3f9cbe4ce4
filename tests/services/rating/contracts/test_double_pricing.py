"""Two contracts of one customer that price one meter: refused, unless the terms say that both shall charge
it."""

import asyncio
from typing import Any

import pytest

from tests.services.rating.deployment import Deployment, event, terms, utc


@pytest.fixture
async def acme(rating: Deployment) -> Deployment:
    """A customer with a contract that prices `calls` through 2024."""
    await rating.customer("acme")
    await rating.meter("calls")
    await rating.meter("seconds", aggregation="sum", field="seconds", missing="ignore")
    await rating.apply(terms("acme-1", "acme"))
    return rating


def seconds() -> dict[str, Any]:
    return {
        "key": "seconds",
        "kind": "usage",
        "meter": "seconds",
        "price": {"model": "per_unit", "unit": "1"},
    }


async def test_a_second_contract_on_the_meter_is_refused_with_the_remedy(acme: Deployment) -> None:
    answer = await acme.apply(
        terms("acme-2", "acme", lines=[seconds(), *terms("", "")["lines"]], effective="2024-03-01"),
        status=409,
    )
    assert answer["code"] == "meter_priced_twice"
    assert [(error["path"], error["code"]) for error in answer["errors"]] == [
        ("lines[1].meter", "meter_priced_twice")
    ]
    for said in (
        "the meter calls",
        "the contract acme-1",
        "from 2024-03-01T00:00:00Z to 2025-01-01T00:00:00Z",
        "shares_meters",
    ):
        assert said in answer["detail"]
    assert (await acme.client.get("/v1/contracts/acme-2")).status_code == 404
    dry = await acme.client.post("/v1/contracts", params={"dry_run": "true"}, json=terms("acme-2", "acme"))
    assert dry.status_code == 409


async def test_another_meter_another_time_or_another_customer_is_accepted(acme: Deployment) -> None:
    await acme.customer("bolt")
    await acme.apply(terms("bolt-1", "bolt"))
    await acme.apply(terms("acme-seconds", "acme", lines=[seconds()]))
    await acme.apply(terms("acme-before", "acme", term={"start": "2023-01-01", "months": 12}))
    await acme.apply(terms("acme-after", "acme", term={"start": "2025-01-01", "months": 12}))


async def test_a_contract_that_renews_by_itself_has_no_after(acme: Deployment) -> None:
    await acme.apply(terms("acme-1", "acme", renewal={"auto": True, "notice_days": 30}))
    answer = await acme.apply(
        terms("acme-after", "acme", term={"start": "2030-01-01", "months": 12}), status=409
    )
    assert "acme-1" in answer["detail"]
    # the remedy: the term ends
    await acme.apply(terms("acme-1", "acme", term={"start": "2024-01-01", "months": 24}))
    await acme.apply(terms("acme-after", "acme", term={"start": "2030-01-01", "months": 12}))


async def test_an_amendment_that_adds_the_line_or_prolongs_the_term_is_refused(acme: Deployment) -> None:
    await acme.apply(terms("acme-2", "acme", lines=[seconds()]))
    grown = terms("acme-2", "acme", lines=[seconds(), *terms("", "")["lines"]], effective="2024-06-01")
    assert (await acme.apply(grown, status=409))["code"] == "meter_priced_twice"
    assert (await acme.client.get("/v1/contracts/acme-2")).json()["versions_count"] == 1
    await acme.apply(terms("acme-after", "acme", term={"start": "2025-01-01", "months": 12}))
    longer = await acme.apply(terms("acme-1", "acme", term={"start": "2024-01-01", "months": 13}), status=409)
    assert "from 2025-01-01T00:00:00Z to 2025-02-01T00:00:00Z" in longer["detail"]


async def test_once_the_line_has_ended_another_contract_may_take_the_meter(acme: Deployment) -> None:
    await acme.apply(terms("acme-1", "acme", lines=[seconds()], effective="2024-03-01"))
    assert (await acme.apply(terms("acme-2", "acme", effective="2024-02-29"), status=409))[
        "code"
    ] == "meter_priced_twice"
    await acme.apply(terms("acme-2", "acme", effective="2024-03-01"))


async def test_both_charge_what_the_terms_call_shared(acme: Deployment) -> None:
    """The opt-in of either contract is enough, so that the older one may be amended afterwards."""
    unpriced = await acme.apply(terms("acme-2", "acme", shares_meters=["seconds"]), status=422)
    assert [(error["path"], error["code"]) for error in unpriced["errors"]] == [
        ("shares_meters[0]", "meter_not_priced_here")
    ]
    await acme.apply(terms("acme-2", "acme", shares_meters=["calls"]))
    dearer = terms("acme-1", "acme")
    dearer["lines"][0]["price"]["unit"] = "3.00"
    await acme.apply(dearer)
    await acme.send(event("e1", "acme", utc("2024-01-01T00:00:00")))
    await acme.settled()
    assert [(await acme.statement(name, "2024-01-01"))["subtotal"] for name in ("acme-1", "acme-2")] == [
        "3.00",
        "2.00",
    ]


async def test_of_two_contracts_applied_at_once_one_is_refused(acme: Deployment) -> None:
    await acme.customer("race")
    both = [acme.client.post("/v1/contracts", json=terms(f"race-{n}", "race")) for n in range(6)]
    answers = await asyncio.gather(*both)
    assert sorted(answer.status_code for answer in answers) == [201, 409, 409, 409, 409, 409]
