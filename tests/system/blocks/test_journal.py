"""What was paid beforehand through its whole life, over the whole deployment: at each step the journal owes of each block
what is left of it, and K1–K5 hold."""

from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import asyncpg
import msgspec
import pytest

from lab.bench.deployment import Deployment, deployment
from lab.departures.client import Client
from services.billing.conservation.checks.sabotage import plant
from services.billing.conservation.domain.breaks import K
from services.billing.conservation.usecases.check import check_all
from tests.needs import NEEDS_KAFKA
from tests.services.billing.conservation.test_sabotage import OF_BREAKAGE
from tests.waiting import until
from u2c.deployment import kafka_broker

KAFKA = pytest.param("kafka", marks=(NEEDS_KAFKA, pytest.mark.long))
TERMS = {
    "contract": "acme-1",
    "customer": "acme",
    "currency": "USD",
    "timezone": "UTC",
    "term": {"start": "2024-01-01", "months": 3},
    "billing": {"interval": "month", "net_days": 30, "grace_hours": 72},
    "lines": [
        {"key": "calls", "kind": "usage", "meter": "calls", "price": {"model": "per_unit", "unit": "2.00"}}
    ],
}
PAID = {
    "contract": "acme-1",
    "kind": "prepaid",
    "currency": "USD",
    "document": "none",
    "reason": "from the old system",
}


def day(month: int, day: int) -> datetime:
    return datetime(2024, month, day, tzinfo=UTC)


def calls(first: int, count: int, at: str, subject: str = "acme") -> list[bytes]:
    said = {
        "specversion": "1.0",
        "source": "test",
        "type": "call",
        "subject": subject,
        "time": at,
        "data": {},
    }
    return [msgspec.json.encode({**said, "id": f"call-{n}"}) for n in range(first, first + count)]


@dataclass
class Books:
    """What the public APIs say of blocks and of the journal."""

    client: Client

    async def grant(self, amount: str, **said: Any) -> str:
        granted = await self.client.post("rating", "/v1/blocks", {**PAID, "amount": amount, **said})
        return str(granted["id"])

    async def entries(self, **asked: str) -> list[dict[str, Any]]:
        return [entry async for entry in self.client.pages("billing", "/v1/journal", **asked)]

    async def balances(self) -> dict[str, str]:
        """Account → its balance; a credit is negative."""
        sums = Counter[str]()
        for entry in await self.entries():
            for posting in entry["postings"]:
                sums[posting["account"]] += int(Decimal(posting["amount"]) * 100)
        return {account: f"{Decimal(minor) / 100:.2f}" for account, minor in sorted(sums.items()) if minor}

    async def owed(self, block: str) -> str:
        """What the journal owes of a block."""
        minor = -sum(
            int(Decimal(posting["amount"]) * 100)
            for entry in await self.entries(block=block)
            for posting in entry["postings"]
            if posting["block"] == block and posting["account"] == "credits_liability"
        )
        return f"{Decimal(minor) / 100:.2f}"

    async def left(self, block: str) -> str:
        return str((await self.client.get("rating", f"/v1/blocks/{block}"))["left"])

    async def hold(self) -> None:
        report = (await self.client.get("billing", "/v1/reconciliation"))["conservation"]
        assert report["holds"], report

    async def are(self, at: datetime, expected: dict[str, str], **left: str) -> None:
        """Once all is done at this instant, the accounts and the blocks (by their ids) stand so, and K1–K5 hold."""
        await self.client.move_clock(at)
        assert await self.balances() == expected
        assert {block: await self.left(block) for block in left} == left
        assert {block: await self.owed(block) for block in left} == left
        await self.hold()


@pytest.mark.timeout(300)
@pytest.mark.parametrize("bus", ["postgres", KAFKA])
async def test_the_journal_owes_of_each_block_what_is_left_of_it(
    bus: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    jars = kafka_broker.libraries_folder()
    monkeypatch.setenv("U2C_STATE", str(tmp_path))
    monkeypatch.setattr(kafka_broker, "libraries_folder", lambda: jars)
    async with deployment(bus, "blocks", clock_at=day(1, 1)) as deployed:
        client = Client(deployed.cluster.urls, deployed.cluster.admin_key)
        try:
            await _lived(Books(client), client)
            await _told_again(deployed, Books(client))
            for kind in sorted(OF_BREAKAGE):
                await sabotaged(deployed, kind)
        finally:
            await client.close()


async def _lived(books: Books, client: Client) -> None:
    meter = {"meter": "calls", "event_type": "call", "aggregation": "count"}
    await client.post("rating", "/v1/meters", meter)
    await client.post("rating", "/v1/customers", {"external_id": "acme", "name": "Acme", "timezone": "UTC"})
    await client.post("rating", "/v1/contracts", TERMS)
    first = await books.grant("10.00", effective="2024-01-01", expires="2024-01-31")
    owes = {"credits_liability": "-10.00", "opening_balance": "10.00"}
    await books.are(day(1, 2), owes, **{first: "10.00"})
    await client.post("rating", f"/v1/blocks/{first}/adjustments", {"amount": "2.00", "reason": "forgotten"})
    owes = {"credits_liability": "-12.00", "opening_balance": "12.00"}
    await books.are(day(1, 3), owes, **{first: "12.00"})

    await client.move_clock(day(1, 20))
    await client.send_events(calls(0, 2, "2024-01-10T12:00:00Z"))
    await client.move_clock(day(1, 21))
    assert (await books.left(first), await books.balances()) == ("8.00", owes), "the draft is no document yet"
    await books.hold()

    used = {"opening_balance": "12.00", "revenue.usage": "-4.00"}
    await books.are(day(2, 4), {"revenue.breakage": "-8.00", **used}, **{first: "0.00"})

    await client.send_events(calls(2, 1, "2024-01-11T12:00:00Z"))
    used = {"opening_balance": "12.00", "revenue.usage": "-6.00"}
    await books.are(day(3, 4), {"revenue.breakage": "-6.00", **used}, **{first: "0.00"})
    kinds = [entry["source"]["event"].partition(":")[0] for entry in await books.entries(block=first)]
    assert sorted(kinds) == ["adjustment", "expiry", "finalized", "finalized", "grant", "revived"]
    await _given_back_and_lapsed(books, client, first)


async def _given_back_and_lapsed(books: Books, client: Client, first: str) -> None:
    given_back, after_the_term = await books.grant("5.00"), await books.grant("3.00", expires="2024-06-30")
    await client.post("rating", f"/v1/blocks/{given_back}/refund", {"reason": "they asked"})
    expected = {
        "credits_liability": "-3.00",
        "customer_credit": "-5.00",
        "opening_balance": "20.00",
        "revenue.breakage": "-6.00",
        "revenue.usage": "-6.00",
    }
    left = {first: "0.00", given_back: "0.00", after_the_term: "3.00"}
    await books.are(day(4, 4), expected, **left)
    await books.are(day(6, 30), expected, **left)
    expected = {**expected, "revenue.breakage": "-9.00"}
    del expected["credits_liability"]
    await books.are(day(7, 1), expected, **{**left, after_the_term: "0.00"})

    rows = {
        row["id"]: row for row in (await client.get("rating", f"/v1/blocks/{after_the_term}/rows"))["data"]
    }
    entries = {entry["source"]["event"]: entry for entry in await books.entries(block=after_the_term)}
    assert [f"{row['kind']}:{id}" for id, row in rows.items()] == [*reversed(entries)], (
        "a cent is traced both ways"
    )
    for id, row in rows.items():
        entry = entries[f"{row['kind']}:{id}"]
        assert (entry["source"]["id"], entry["contract"]) == (after_the_term, "acme-1")
        assert [one["amount"] for one in entry["postings"] if one["block"] is None] == [row["amount"]]


async def _told_again(deployed: Deployment, books: Books) -> None:
    """A book of before has rows and no entries of them: what lasts is told again, and posted as it would have been."""
    before = {entry["source"]["event"]: entry for entry in await books.entries() if not entry["document"]}
    assert len(before) == 8
    admin = await asyncpg.connect(deployed.cluster.database_url, server_settings={"timezone": "UTC"})
    try:
        async with admin.transaction():
            await admin.execute("set local session_replication_role = replica")
            await admin.execute(
                """with gone as (delete from billing.journal_entries where source_kind = 'block' returning entry_id)
                   delete from billing.journal_postings p using gone where p.entry_id = gone.entry_id"""
            )
            await admin.execute("delete from rating.retold where topic = 'rating.block_rows'")
            assert (await check_all(admin, deployed.log(), only=(K.MONEY,))).holds, "they are under way"
    finally:
        await admin.close()

    async def posted() -> dict[str, dict[str, Any]] | None:
        found = {entry["source"]["event"]: entry for entry in await books.entries() if not entry["document"]}
        return found if found.keys() == before.keys() else None

    after = await until(posted, "every row has its entry again")
    assert {event: {**entry, "id": ""} for event, entry in after.items()} == {
        event: {**entry, "id": ""} for event, entry in before.items()
    }
    await books.hold()


async def sabotaged(deployed: Deployment, kind: str) -> None:
    """The fault is named with its row, and rolled back."""
    vandal = await asyncpg.connect(deployed.cluster.database_url, server_settings={"timezone": "UTC"})
    try:
        transaction = vandal.transaction(isolation="repeatable_read")
        await transaction.start()
        planted = await plant(vandal, kind)
        found = (await check_all(vandal, deployed.log())).breaks
        assert any(planted.named_by(broken) for broken in found), (planted, found)
        await transaction.rollback()
    finally:
        await vandal.close()
