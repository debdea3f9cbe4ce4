"""All SQL of traces that is not about documents."""

from typing import Any

import asyncpg

from shared.replica.chains import chain_of


async def versions_of(connection: asyncpg.Connection, contract: str) -> list[dict[str, Any]]:
    """Return the versions of a contract as heard, oldest first, up to the first gap; [] for one that was not
    heard of."""
    found: list[dict[str, Any]] | None = await connection.fetchval(
        f"select {chain_of('billing', '$1')}", contract
    )
    return found or []
