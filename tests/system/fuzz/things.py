"""Things that are there when a fuzzing begins, so that it does not only meet 404."""

import asyncio
import time
from typing import Any

import httpx2

from tests.system.readme.blocks import calls
from tests.system.readme.shell import typed
from u2c.deployment.cluster import Cluster

TIMEOUT_S = 60.0
UNREADABLE = {
    "specversion": "1.0",
    "source": "api-gateway",
    "id": "req-3",
    "type": "api.call",
    "subject": "acme",
    "time": "long ago",
    "data": {},
}


async def things(cluster: Cluster) -> dict[str, str]:
    """Make a reader's meter, customer, contract and events, one event in quarantine and one key more; return
    path parameters that name them."""
    for block in calls()[:2]:
        await asyncio.to_thread(typed, block, cluster)
    async with httpx2.AsyncClient(
        trust_env=False, timeout=30, headers={"Authorization": f"Bearer {cluster.admin_key}"}
    ) as client:
        ingest, billing = cluster.urls["usage_ingest"], cluster.urls["billing"]
        (await client.post(f"{ingest}/v1/events", json=UNREADABLE)).raise_for_status()
        key = (
            (await client.post(f"{ingest}/v1/keys", json={"name": "spare", "scopes": ["usage:read"]}))
            .raise_for_status()
            .json()
        )
        quarantined = await _first(client, f"{ingest}/v1/quarantine")
        invoice = await _first(client, f"{billing}/v1/invoices")
    return {
        "external_id": "acme",
        "meter": "api_calls",
        "contract": "acme-2026",
        "key_id": key["id"],
        "quarantine_id": quarantined["quarantine_id"],
        "period_start": invoice["period"]["start"],
        "month": invoice["period"]["end"][:7],
        "document_id": invoice["id"],
        "line_id": invoice["lines"][0]["id"],
    }


async def _first(client: httpx2.AsyncClient, url: str) -> Any:
    """The first of a list, when it has one."""
    deadline = time.monotonic() + TIMEOUT_S
    while not (found := (await client.get(url)).raise_for_status().json()["data"]):
        assert time.monotonic() < deadline, f"nothing at {url}"
        await asyncio.sleep(0.2)
    return found[0]
