"""Whether a figure may be given: the books hold, every unique event is stored once, and each draft covers its
customer's last event."""

from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import httpx2
import msgspec

from lab.bench.workload import contract_name

LAST_BATCHES = "select subject, partition::text, max(batch_id) as batch_id from rating.events where batch_id > $1 group by subject, partition"


async def faults(auditor: asyncpg.Connection, breaks: list[str], unique: int) -> list[str]:
    """What is wrong with the books, as sentences: what the checker found, and whether exactly `unique` events
    are stored."""
    found = list(breaks)
    stored = await auditor.fetchval("select count(*) from rating.events")
    if stored != unique:
        found.append(f"{unique:,} unique events were acknowledged and {stored:,} are stored")
    return found


async def uncovered(auditor: asyncpg.Connection, billing_url: str, key: str, after_batch: int) -> list[str]:
    """Contracts whose draft, as billing's API shows it, does not cover what was metered for their customer
    after `after_batch`."""
    shown: dict[str, dict[str, int]] = {}
    async for document in _drafts(billing_url, key):
        kept = shown.setdefault(document["contract"], {})
        for partition, batch_id in document["statement"]["watermark"].items():
            kept[partition] = max(kept.get(partition, 0), batch_id)
    rows = await auditor.fetch(LAST_BATCHES, after_batch)
    return sorted(
        {
            contract_name(row["subject"])
            for row in rows
            if shown.get(contract_name(row["subject"]), {}).get(row["partition"], 0) < row["batch_id"]
        }
    )


async def _drafts(billing_url: str, key: str) -> AsyncIterator[dict[str, Any]]:
    headers, cursor = {"Authorization": f"Bearer {key}"}, None
    async with httpx2.AsyncClient(base_url=billing_url, trust_env=False, timeout=60, headers=headers) as http:
        while True:
            query = {"status": "draft", "limit": "200", **({"cursor": cursor} if cursor else {})}
            page = msgspec.json.decode(
                (await http.get("/v1/invoices", params=query)).raise_for_status().content
            )
            for document in page["data"]:
                yield document
            if not page["has_more"]:
                return
            cursor = page["next_cursor"]
