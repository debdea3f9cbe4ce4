"""All SQL of traces that is not about documents."""

from typing import Any

import asyncpg


async def versions_of(connection: asyncpg.Connection, contract: str) -> list[dict[str, Any]]:
    """Return the versions of a contract as heard, oldest first; [] for one that was not heard of."""
    found: list[dict[str, Any]] | None = await connection.fetchval("select versions from billing.contracts where contract = $1", contract)
    return found or []
