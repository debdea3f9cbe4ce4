"""A version that corrects final periods may bring commitments and credits that begin in them: their blocks pay what those
periods come to, so their documents ask for them too."""

from typing import Any

import asyncpg
import pytest

from services.billing.conservation.checks.k5_blocks import blocks
from tests.services.rating.corrections.test_corrections import (
    FEBRUARY_CLOSED,
    january_of_three_calls,
    notes,
)
from tests.services.rating.deployment import Deployment, terms

PACK = {"key": "pack", "kind": "prepaid", "amount": "10.00"}
MONTHLY = {"key": "annual", "amount": "12.00", "payment": "prepaid", "invoiced": "monthly"}


async def brought(rating: Deployment, **later: Any) -> None:
    """January is final, with 6.00 of usage, and a version that corrects it brings this."""
    await january_of_three_calls(rating)
    answer = await rating.client.post(
        "/v1/contracts",
        json=terms("acme-1", "acme", effective="2024-01-01", **later),
        params={"corrects_final": True},
    )
    assert answer.status_code == 201, answer.text


async def asked(rating: Deployment) -> list[tuple[str, int]]:
    """(day, minor units) of each document that asks for something beforehand."""
    return [(said.period_start_date, said.document_minor) for said in await rating.said() if said.block]


@pytest.mark.parametrize(
    ("later", "documents"),
    [
        ({"credits": [PACK]}, [("2024-01-01", 1000)]),
        (
            {"commitments": [MONTHLY]},
            [("2024-01-01", 100), ("2024-02-01", 100), ("2024-03-01", 100)],
        ),
    ],
)
async def test_what_falls_due_in_a_final_period_is_asked_for(
    rating: Deployment, auditor: asyncpg.Connection, later: dict[str, Any], documents: list[tuple[str, int]]
) -> None:
    await brought(rating, **later)
    await rating.advance(FEBRUARY_CLOSED)
    assert await notes(rating) == [("2024-01-01", "note:1", 600, [(0, "0", "period")])], "it is paid for"
    assert sorted(await asked(rating)) == documents
    checked = await blocks(auditor, None, drained=False)
    assert checked.holds, checked.breaks


async def test_what_was_asked_for_before_is_not_asked_for_again(rating: Deployment) -> None:
    await january_of_three_calls(rating, credits=[PACK])
    for unit in ("2.50", "3.00"):
        lines = [
            {
                "key": "calls",
                "kind": "usage",
                "meter": "calls",
                "price": {"model": "per_unit", "unit": unit},
            }
        ]
        answer = await rating.client.post(
            "/v1/contracts",
            json=terms("acme-1", "acme", effective="2024-01-01", credits=[PACK], lines=lines),
            params={"corrects_final": True},
        )
        assert answer.status_code == 201, answer.text
    await rating.advance(FEBRUARY_CLOSED)
    assert await asked(rating) == [("2024-01-01", 1000)]


async def test_a_block_that_no_document_was_ever_to_ask_for_is_named(
    rating: Deployment, auditor: asyncpg.Connection
) -> None:
    """As books of before have it: what a version brought into final periods was paid by nobody."""
    await brought(rating, credits=[PACK])
    pool = rating.context.db.pool
    await pool.execute("delete from rating.asked_beforehand")
    await rating.advance(FEBRUARY_CLOSED)
    (found,) = (await blocks(auditor, None, drained=False)).breaks
    block = await pool.fetchval("select block_id from rating.blocks")
    assert (found.fault, found.where.key, found.contract) == (
        "block_never_asked_for",
        {"block_id": block},
        "acme-1",
    )
    await pool.execute("update rating.blocks set voided = true")
    assert (await blocks(auditor, None, drained=False)).breaks == ()
