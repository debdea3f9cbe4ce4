"""Why statements were priced: because somebody read them, because they were due, or to be told."""

import re

import asyncpg
import httpx2

HEARD = "select coalesce(sum(position), 0)::bigint from bus.positions where grp = 'billing' and topic = 'rating.statements'"
#: What rating counts, where it knows causes.
COUNTED = re.compile(r'^u2c_statements_priced_total\{cause="(\w+)"\} (\S+)$', re.MULTILINE)
TOLD = "told"


async def statements_by_cause(rating_url: str, auditor: asyncpg.Connection) -> dict[str, int]:
    """Cause → revisions priced so far. Where rating knows no cause, every revision is one that was told, and counted
    where billing hears it."""
    async with httpx2.AsyncClient(trust_env=False, timeout=30) as http:
        told = (await http.get(f"{rating_url}/metrics")).raise_for_status().text
    return counted(told) or {TOLD: await auditor.fetchval(HEARD)}


def counted(told: str) -> dict[str, int]:
    """Cause → count, as rating's metrics tell them."""
    return {cause: int(float(count)) for cause, count in COUNTED.findall(told)}
