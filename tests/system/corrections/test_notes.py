"""What comes after an invoice becomes a note, over the whole deployment: numbered, posted, and proven by K1–K5."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import asyncpg
import msgspec
import pytest

from lab.departures.client import Client
from services.billing.conservation.checks.sabotage import plant
from services.billing.conservation.usecases.check import check_all
from tests.services.billing.conservation.test_sabotage import OF_NOTES
from tests.services.rating.deployment import terms
from tests.system.corrections.history import digests, settles_as_billed, unchanged
from tests.waiting import until
from u2c.deployment.cluster import Cluster
from u2c.verbs.trace import told

NOON = "2024-01-10T12:00:00Z"


def event(id: str, time: str = NOON) -> bytes:
    return msgspec.json.encode(
        {
            "specversion": "1.0",
            "source": "test",
            "id": id,
            "type": "call",
            "subject": "acme",
            "time": time,
            "data": {},
        }
    )


async def invoiced(client: Client, document: dict[str, Any] | None = None) -> None:
    """Three calls of January are invoiced."""
    await client.post(
        "rating", "/v1/meters", {"meter": "calls", "event_type": "call", "aggregation": "count"}
    )
    await client.post("rating", "/v1/customers", {"external_id": "acme", "name": "Acme", "timezone": "UTC"})
    await client.post("rating", "/v1/contracts", document or terms("acme-1", "acme"))
    await client.move_clock(datetime(2024, 1, 20, tzinfo=UTC))
    await client.send_events([event(f"e{n}") for n in range(3)])
    await client.move_clock(datetime(2024, 2, 4, tzinfo=UTC))


async def notes(client: Client) -> list[dict[str, Any]]:
    """Finalized notes, oldest first."""
    found = (await client.get("billing", "/v1/invoices", limit=100))["data"]
    return [one for one in reversed(found) if one["kind"].endswith("_note") and one["status"] == "finalized"]


async def holds(client: Client) -> dict[str, Any]:
    report: dict[str, Any] = (await client.get("billing", "/v1/reconciliation"))["conservation"]
    assert report["holds"], report
    return report


@pytest.mark.timeout(240)
async def test_late_usage_becomes_a_debit_note_and_a_void_a_credit_note(
    cluster: Cluster, client: Client
) -> None:
    await invoiced(client)
    before = await digests(cluster.database_url)
    await client.send_events([event("late-1"), event("late-2")])
    await client.move_clock(datetime(2024, 3, 4, tzinfo=UTC))
    (debit,) = await notes(client)
    [invoice] = [
        one
        for one in (await client.get("billing", "/v1/invoices", limit=100))["data"]
        if one["kind"] == "invoice" and one["period"]["start"] == "2024-01-01"
    ]
    assert (debit["kind"], debit["number"], debit["occasion"], debit["total"]) == (
        "debit_note",
        "DEFAULT-DN-2024-000001",
        "note:1",
        "4.00",
    )
    assert debit["period"] == invoice["period"] and debit["corrects"] == invoice["id"]
    [line] = debit["lines"]
    assert (line["quantity"], line["amount"], line["corrects"]) == (
        "2",
        "4.00",
        {"document": invoice["id"], "line": invoice["lines"][0]["id"]},
    )
    await client.send_voids(
        [msgspec.json.encode({"source": "test", "id": id}) for id in ("e0", "e1", "late-1")]
    )
    await client.move_clock(datetime(2024, 4, 4, tzinfo=UTC))
    _, credit = await notes(client)
    assert (credit["kind"], credit["number"], credit["total"]) == (
        "credit_note",
        "DEFAULT-CN-2024-000001",
        "-6.00",
    )
    assert [(line["amount"], line["corrects"]["document"]) for line in credit["lines"]] == [
        ("-4.00", debit["id"]),
        ("-2.00", invoice["id"]),
    ]
    await traced_both_ways(client, debit, credit)
    entries = (await client.get("billing", "/v1/journal", limit=100))["data"]
    assert {entry["document"] for entry in entries} >= {invoice["id"], debit["id"], credit["id"]}
    report = await holds(client)
    [money] = [check["amounts"]["USD"] for check in report["statements"] if check["k"] == "K5"]
    assert Decimal(money["settled"]) == sum(
        Decimal(money[name]) for name in ("documented", "waived", "carried", "unbilled")
    )
    [january] = [
        row
        for row in (await client.get("billing", "/v1/reconciliation"))["money"]
        if row["period"]["start"] == "2024-01-01"
    ]
    assert (january["settled"], january["documented"], january["unbilled"]) == ("4.00", "4.00", "0.00")
    assert unchanged(before, await digests(cluster.database_url))
    await until(lambda: settles_as_billed(cluster.database_url), "signals keeps what documents settle")
    await told_again(cluster)
    for kind in sorted(OF_NOTES):
        await sabotaged(cluster, kind)


async def traced_both_ways(client: Client, debit: dict[str, Any], credit: dict[str, Any]) -> None:
    """From a note's line to the period as it was corrected then, and its events; from the statement to its corrections."""
    [id] = {line["id"] for document in (debit, credit) for line in document["lines"]}
    asked, given = [
        await client.get("billing", f"/v1/invoices/{document['id']}/lines/{id}/trace")
        for document in (debit, credit)
    ]
    assert [trace["statement"]["id"] for trace in (asked, given)] == [
        document["lines"][0]["statement"] for document in (debit, credit)
    ]
    assert {
        name: asked["correction"][name] for name in ("occasion", "quantity", "amount", "before", "asked")
    } == {
        "occasion": "note:1",
        "quantity": "5",
        "amount": "10.00",
        "before": "6.00",
        "asked": "4.00",
    }
    assert [sorted(event["id"] for event in trace["events"]["data"]) for trace in (asked, given)] == [
        ["e0", "e1", "e2", "late-1", "late-2"],
        ["e2", "late-2"],
    ]
    assert [(part["amount"], part["corrects"]["document"]) for part in given["correction"]["parts"]] == [
        (line["amount"], line["corrects"]["document"]) for line in credit["lines"]
    ]
    assert (given["correction"]["before"], given["correction"]["amount"]) == ("10.00", "4.00")
    statement = await client.get("rating", "/v1/statements/acme-1/2024-01-01")
    assert (statement["occasion"], statement["subtotal"]) == ("period", "6.00")
    assert [
        (one["occasion"], one["outcome"], one["subtotal"], [line["amount"] for line in one["asked"]])
        for one in statement["corrections"]
    ] == [("note:1", "note", "10.00", ["4.00"]), ("note:2", "note", "4.00", ["-4.00", "-2.00"])]
    explained = await client.get("rating", "/v1/events/explain", source="test", id="late-2")
    assert [line["line_id"] for contract in explained["contracts"] for line in contract["lines"]] == [id]
    assert told(given)[0][1].startswith(f"{credit['number']}  acme  calls: ")
    assert ("correction", "note:2: the line is 4.00 then, 10.00 was asked for before: -6.00") in told(given)


async def told_again(cluster: Cluster) -> None:
    """As the migrations leave a book of before: signals knows of each document that it was finalized and no line of it, and
    billing has told nothing again yet. Nothing is asked for: it comes by itself."""
    migrated = await asyncpg.connect(cluster.database_url)
    try:
        async with migrated.transaction():
            await migrated.execute("delete from signals.settled")
            await migrated.execute("update signals.documents set awaited = true")
            await migrated.execute("delete from billing.retold where topic = 'billing.documents'")
        assert not await settles_as_billed(cluster.database_url)
        await until(lambda: settles_as_billed(cluster.database_url), "billing has told its documents again")
        assert await migrated.fetchval("select count(*) from signals.documents where awaited") == 0
    finally:
        await migrated.close()


async def sabotaged(cluster: Cluster, kind: str) -> None:
    """The fault is named with its row, and rolled back."""
    vandal = await asyncpg.connect(cluster.database_url, server_settings={"timezone": "UTC"})
    try:
        transaction = vandal.transaction(isolation="repeatable_read")
        await transaction.start()
        planted = await plant(vandal, kind)
        found = (await check_all(vandal)).breaks
        assert any(planted.named_by(broken) for broken in found), (planted, found)
        await transaction.rollback()
    finally:
        await vandal.close()
