"""Whether a figure may be given: the books hold, every unique event is stored once, and each draft covers its
customer's last event."""

import asyncpg

from lab.bench.drafts import Watermark
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


async def last_batches(auditor: asyncpg.Connection, after_batch: int) -> dict[str, Watermark]:
    """Contract → the last batches that hold usage of its customer, of those after `after_batch`."""
    found: dict[str, Watermark] = {}
    for row in await auditor.fetch(LAST_BATCHES, after_batch):
        found.setdefault(contract_name(row["subject"]), {})[row["partition"]] = row["batch_id"]
    return found
