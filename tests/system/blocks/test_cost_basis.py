"""Blocks that were sold below their amount through their whole life, over the whole deployment: what is drawn of one is booked at
what was paid for it, what lapses and is given back too, and not a cent of it is lost; K1–K5 hold at each step."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from lab.bench.deployment import deployment
from lab.departures.client import Client, Refused
from tests.system.blocks.test_journal import KAFKA, TERMS, Books, calls, day, sabotaged
from u2c.deployment import kafka_broker
from u2c.deployment.state import ROOT

#: Each month 10.00 for 3.33: 2.00 of what is left stay beside the next ten.
MONTHLY = {
    "key": "monthly",
    "kind": "prepaid",
    "amount": "10.00",
    "cost_basis": "0.333",
    "priority": 1,
    "refill": {"every": "month", "anchor": "2024-01-01"},
    "roll_over": {"max": "2.00"},
}


@pytest.mark.timeout(300)
@pytest.mark.parametrize("bus", ["postgres", KAFKA])
async def test_what_is_drawn_lapses_and_is_given_back_costs_what_was_paid(
    bus: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    jars = kafka_broker.libraries_folder()
    monkeypatch.setenv("U2C_STATE", str(tmp_path))
    monkeypatch.setattr(kafka_broker, "libraries_folder", lambda: jars)
    async with deployment(bus, "cost-basis", clock_at=day(1, 1)) as deployed:
        client = Client(deployed.cluster.urls, deployed.cluster.admin_key)
        books = Books(client)
        try:
            meter = {"meter": "calls", "event_type": "call", "aggregation": "count"}
            await client.post("rating", "/v1/meters", meter)
            customer = {"external_id": "acme", "name": "Acme", "timezone": "UTC"}
            await client.post("rating", "/v1/customers", customer)
            await client.post("rating", "/v1/contracts", {**TERMS, "credits": [MONTHLY]})
            bought = await _bought(books, client, tmp_path)
            await _used_and_corrected(books, client, bought)
            await _over(books, client, bought)
            await _voided_whole(books, client)
            await sabotaged(deployed, "cost-shifted")
        finally:
            await client.close()


async def _bought(books: Books, client: Client, folder: Path) -> str:
    """1,000.01 for 800.01, by a document that says how; a void is refused once it is told."""
    granted = await client.post(
        "rating",
        "/v1/blocks",
        {
            "contract": "acme-1",
            "kind": "prepaid",
            "currency": "USD",
            "amount": "1000.01",
            "cost_basis": "0.8",
            "effective": "2024-01-01",
            "priority": 2,
            "reason": "a discount on what is bought beforehand",
        },
    )
    await client.move_clock(day(1, 2))
    assert await books.balances() == {"credits_liability": "-803.34", "receivable": "803.34"}
    assert await books.owed(granted["id"]) == "800.01"
    [document] = [
        one
        async for one in client.pages("billing", "/v1/invoices", kind="prepayment")
        if one["total"] == "800.01"
    ]
    path = folder / "prepayment.json"
    path.write_text(json.dumps(await client.get("billing", f"/v1/invoices/{document['id']}")))
    script = ROOT / "examples" / "recompute.py"
    assert subprocess.run([sys.executable, script, path], check=False).returncode == 0
    with pytest.raises(Refused, match=r"answered 409: .*block_documented.*refund what is left of it"):
        await client.post("rating", f"/v1/blocks/{granted['id']}/void", {"reason": "a mistake"})
    await books.hold()
    return str(granted["id"])


async def _used_and_corrected(books: Books, client: Client, bought: str) -> None:
    """January uses 6.00 of 10.00, for which 1.99 were paid; 2.00 roll over and 2.00 lapse, each for 0.67. 14.00 more come late."""
    await client.move_clock(day(1, 20))
    await client.send_events(calls(0, 3, "2024-01-10T12:00:00Z"))
    await client.move_clock(day(2, 4))
    expected = {
        "credits_liability": "-804.01",
        "receivable": "806.67",
        "revenue.breakage": "-0.67",
        "revenue.promotional": "4.01",
        "revenue.usage": "-6.00",
    }
    assert await books.balances() == expected
    assert await _owed(client, books) == {
        ("2024-02-01", "12.00"): "4.00",
        ("2024-01-01", "1000.01"): "800.01",
    }
    await books.hold()
    await client.send_events(calls(3, 7, "2024-01-11T12:00:00Z"))
    await client.move_clock(day(3, 4))
    await books.hold()
    owed = await books.owed(bought)
    assert owed == (await client.get("rating", f"/v1/blocks/{bought}"))["paid_left"]
    assert owed == "792.01", "10.00 of the twenty were drawn of it"


async def _over(books: Books, client: Client, bought: str) -> None:
    """What is left is given back at what was paid for it. In the end nothing is owed: what was paid is what was drawn at
    cost, lapsed and was given back."""
    back = await client.post("rating", f"/v1/blocks/{bought}/refund", {"reason": "they left"})
    assert (back["refunded"], back["given_back"], back["left"]) == ("990.01", "792.01", "0.00")
    await client.move_clock(day(7, 1))
    found = await books.balances()
    assert "credits_liability" not in found and found["customer_credit"] == "-792.01"
    assert await _owed(client, books) == {}
    await books.hold()
    paid = [row for block in await _blocks(client) for row in await _rows(client, block["id"])]
    assert all(row["cost"] is not None for row in paid)
    by_kind: dict[str, int] = {}
    for row in paid:
        by_kind[row["kind"]] = by_kind.get(row["kind"], 0) + round(float(row["cost"]) * 100)
    assert (
        sum(by_kind.values()) == 0 and {"grant", "draw", "expiry", "refund", "adjustment"} <= by_kind.keys()
    )


async def _voided_whole(books: Books, client: Client) -> None:
    """Of 0.10 for 0.03 July uses 0.05 and August 0.04. July's usage is voided: what it drew cost 0.01 and its return 0.02, and
    who is told of either is told of both."""
    await client.post("rating", "/v1/customers", {"external_id": "beta", "name": "Beta", "timezone": "UTC"})
    price = {"model": "per_unit", "unit": "0.01"}
    line = {"key": "calls", "kind": "usage", "meter": "calls", "price": price}
    term = {"start": "2024-07-01", "months": 3}
    await client.post(
        "rating",
        "/v1/contracts",
        {**TERMS, "contract": "beta-1", "customer": "beta", "term": term, "lines": [line]},
    )
    block = await books.grant("0.10", contract="beta-1", cost_basis="0.3", effective="2024-07-01")
    await client.send_events(calls(100, 5, "2024-07-01T00:00:00Z", subject="beta"))
    await client.move_clock(day(8, 20))
    await client.send_events(calls(200, 4, "2024-08-10T12:00:00Z", subject="beta"))
    await client.move_clock(day(9, 4))
    await books.hold()
    assert await books.owed(block) == "0.00", "of the one that is left"
    voids = [json.dumps({"source": "test", "id": f"call-{n}"}).encode() for n in range(100, 105)]
    await client.send_voids(voids)
    await client.move_clock(day(10, 4))
    costs = [row["cost"] for row in await _rows(client, block)]
    assert sorted(costs) == ["-0.01", "-0.02", "0.02", "0.03"]
    assert await books.owed(block) == "0.02"
    await books.hold()


async def _blocks(client: Client) -> list[dict[str, Any]]:
    return list((await client.get("rating", "/v1/blocks"))["data"])


async def _rows(client: Client, block: str) -> list[dict[str, Any]]:
    return list((await client.get("rating", f"/v1/blocks/{block}/rows"))["data"])


async def _owed(client: Client, books: Books) -> dict[tuple[str, str], str]:
    """(since when, granted) of each block that is owed → how much."""
    found = {
        (block["effective"][:10], block["granted"]): await books.owed(block["id"])
        for block in await _blocks(client)
    }
    return {block: amount for block, amount in found.items() if amount != "0.00"}
