"""Discounts and an escalator whose days lie within a month, from the contract that is written to the page that is sent."""

import json
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx2
import msgspec
import pytest

from lab.departures.client import Client
from tests.system.spine.world import CLOCK_STARTS, CLOSED_AT, METERS
from tests.waiting import until
from u2c.deployment.cluster import Cluster, ClusterOptions
from u2c.deployment.state import ROOT

MID_MONTH = datetime(2025, 3, 21, tzinfo=UTC)
TERMS = {
    "contract": "ny-2025",
    "customer": "ny",
    "currency": "USD",
    "timezone": "America/New_York",
    "term": {"start": "2025-03-01", "months": 12},
    "lines": [
        {"key": "fee", "kind": "recurring", "amount": "310.00"},
        {
            "key": "api",
            "kind": "usage",
            "meter": "calls",
            "included": "10",
            "price": {"model": "per_unit", "unit": "0.10"},
        },
    ],
    "discounts": [
        {"key": "launch", "percent": "10", "until": "2025-03-10", "approval": "apr_01"},
        {"key": "goodwill", "amount": "5.00", "applies_to": ["usage"]},
    ],
    "escalators": [{"percent": "10", "every_months": 1, "anchor": "2025-02-16"}],
}
#: 10 days of the fee at 9.00, 5 at 10.00 and 16 at 11.00; of 300 calls 10 are included, 90 cost 0.09 and 200 cost 0.11, less 5.
EXPECTED = {"fee": "316.00", "api": "25.10"}


@pytest.fixture
async def cluster(cluster_options: Callable[..., ClusterOptions]) -> AsyncIterator[Cluster]:
    async with Cluster(cluster_options(clock_at=CLOCK_STARTS)) as running:
        yield running


@pytest.mark.long
@pytest.mark.timeout(240)
async def test_a_month_of_dated_terms_is_billed_and_shown(cluster: Cluster, tmp_path: Path) -> None:
    client = Client(cluster.urls, cluster.admin_key)
    try:
        await client.post("rating", "/v1/meters", METERS[0])
        customer = {"external_id": "ny", "name": "ny", "timezone": TERMS["timezone"]}
        await client.post("rating", "/v1/customers", customer)
        await client.post("rating", "/v1/contracts", TERMS)
        await client.move_clock(MID_MONTH)
        await client.send_events([*calls("early", 100, 5), *calls("late", 200, 20)])
        draft = await until(lambda: invoice(client, "draft", "300"), "a draft of all usage")
        assert {line["key"]: line["amount"] for line in draft["lines"]} == EXPECTED
        await client.move_clock(CLOSED_AT)
        final = await until(lambda: invoice(client, "finalized", "300"), "a finalized invoice")
        assert (final["total"], amounts(final)) == ("341.10", EXPECTED)
        told = await text_of(cluster, final["id"])
        assert told.count("launch: 10 % off") == 2 and told.count("goodwill: ") == 1
        assert told.count("prices of 1 × 10 %, compound: 10 % on those written") == 2
        (tmp_path / "invoice.json").write_text(json.dumps(final))
        worked_out_again(tmp_path / "invoice.json")
        report = await client.get("billing", "/v1/reconciliation")
        assert report["conservation"]["holds"], report["conservation"]
    finally:
        await client.close()


def calls(name: str, count: int, day: int) -> list[bytes]:
    event = {"specversion": "1.0", "source": "spine", "type": "api.call", "subject": "ny"}
    noon = datetime(2025, 3, day, 12, tzinfo=UTC).isoformat()
    return [
        msgspec.json.encode({**event, "id": f"{name}-{number}", "time": noon, "data": {"region": "eu"}})
        for number in range(count)
    ]


async def invoice(client: Client, status: str, quantity: str) -> dict[str, Any] | None:
    """The invoice of March, once it counts so many calls."""
    async for row in client.pages("billing", "/v1/invoices", status=status):
        found: dict[str, Any] = await client.get("billing", f"/v1/invoices/{row['id']}")
        counted = {line["key"]: line["quantity"] for line in found["lines"]}
        if found["period"]["start"] == "2025-03-01" and counted.get("api") == quantity:
            return found
    return None


def amounts(document: dict[str, Any]) -> dict[str, str]:
    return {line["key"]: line["amount"] for line in document["lines"]}


async def text_of(cluster: Cluster, document_id: str) -> str:
    async with httpx2.AsyncClient(trust_env=False) as http:
        answer = await http.get(
            f"{cluster.urls['billing']}/v1/invoices/{document_id}",
            params={"format": "text"},
            headers={"authorization": f"Bearer {cluster.admin_key}"},
        )
    assert answer.status_code == 200, answer.text
    return answer.text


def worked_out_again(document: Path) -> None:
    script = ROOT / "examples" / "recompute.py"
    done = subprocess.run(
        [sys.executable, "-I", str(script), str(document)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout
