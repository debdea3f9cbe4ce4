"""What a correction takes back of what rolled over is moved in the journal too, over the whole deployment: it owes of each
block what is left of it, and K1–K5 hold."""

from decimal import Decimal
from pathlib import Path

import pytest

from lab.bench.deployment import deployment
from lab.departures.client import Client
from tests.system.blocks.test_journal import KAFKA, TERMS, Books, calls, day
from u2c.deployment import kafka_broker

PROMISE = {
    "key": "promise",
    "amount": "20.00",
    "payment": "prepaid",
    "invoiced": "none",
    "period": {"months": 1},
    "rollover_percent": "50",
}


@pytest.mark.timeout(300)
@pytest.mark.parametrize("bus", ["postgres", KAFKA])
async def test_late_usage_takes_back_what_rolled_over_and_the_journal_follows(
    bus: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """January uses 8.00 of 20.00: 6.00 go on, and 6.00 lapse. 10.00 more come late: 1.00 goes on, and lapses with February;
    of whose own 20.00 half lapses, and half goes on."""
    jars = kafka_broker.libraries_folder()
    monkeypatch.setenv("U2C_STATE", str(tmp_path))
    monkeypatch.setattr(kafka_broker, "libraries_folder", lambda: jars)
    async with deployment(bus, "rolled-over", clock_at=day(1, 1)) as deployed:
        client = Client(deployed.cluster.urls, deployed.cluster.admin_key)
        books = Books(client)
        try:
            meter = {"meter": "calls", "event_type": "call", "aggregation": "count"}
            await client.post("rating", "/v1/meters", meter)
            customer = {"external_id": "acme", "name": "Acme", "timezone": "UTC"}
            await client.post("rating", "/v1/customers", customer)
            await client.post("rating", "/v1/contracts", {**TERMS, "commitments": [PROMISE]})
            await client.move_clock(day(1, 20))
            await client.send_events(calls(0, 4, "2024-01-10T12:00:00Z"))
            await client.move_clock(day(2, 4))
            assert await owed(client, books) == {
                ("commitment", "2024-02-01"): "20.00",
                ("roll_over", "2024-02-01"): "6.00",
            }
            assert (await books.balances())["revenue.breakage"] == "-6.00"
            await client.send_events(calls(4, 5, "2024-01-11T12:00:00Z"))
            await client.move_clock(day(3, 4))
            assert await owed(client, books) == {
                ("commitment", "2024-03-01"): "20.00",
                ("roll_over", "2024-03-01"): "10.00",
            }
            assert await books.balances() == {
                "credits_liability": "-30.00",
                "opening_balance": "60.00",
                "revenue.breakage": "-12.00",
                "revenue.usage": "-18.00",
            }
            await books.hold()
        finally:
            await client.close()


async def owed(client: Client, books: Books) -> dict[tuple[str, str], str]:
    """(kind, since when) of each block that is owed → how much. A draft has handed on already what is moved as it becomes
    final, so what is left is as much in all."""
    blocks = (await client.get("rating", "/v1/blocks"))["data"]
    of_each = {(block["kind"], block["effective"][:10]): await books.owed(block["id"]) for block in blocks}
    assert sum(Decimal(one["left"]) for one in blocks) == sum(map(Decimal, of_each.values()))
    return {block: amount for block, amount in of_each.items() if amount != "0.00"}
