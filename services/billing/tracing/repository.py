"""All SQL of traces that is not about documents."""

import asyncpg
import msgspec

from shared.replica.chains import chain_of
from shared.topics.rating import ContractVersion


async def versions_of(connection: asyncpg.Connection, contract: str) -> list[ContractVersion]:
    """Return the versions of a contract as heard, oldest first, up to the first gap; [] for one that was not
    heard of."""
    found = await connection.fetchval(f"select {chain_of('billing', '$1')}", contract)
    return msgspec.convert(found or [], list[ContractVersion])
