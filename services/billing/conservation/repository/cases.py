"""SQL of the exceptions that breaks open."""

from collections.abc import Sequence
from datetime import datetime

import asyncpg


async def resolve_all_but(
    connection: asyncpg.Connection, kind: str, references: Sequence[str], now: datetime
) -> None:
    """Resolve the open exceptions of a kind whose reference is none of these."""
    await connection.execute(
        "update billing.exceptions set resolved_at = $3 where kind = $1 and resolved_at is null and reference <> all ($2::text[])",
        kind,
        list(references),
        now,
    )
