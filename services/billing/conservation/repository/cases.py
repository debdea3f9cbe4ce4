"""SQL of the exceptions that breaks open."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import asyncpg

from shared.db.columns import names_of


@dataclass(frozen=True, slots=True)
class Stop:
    """An open exception that stops every finalization: a row of `exceptions`."""

    exception_id: str
    reference: str
    detail: str


async def stops(connection: asyncpg.Connection) -> list[Stop]:
    """The open breaks of K1, oldest first."""
    rows = await connection.fetch(
        f"""select {names_of(Stop)} from billing.exceptions
            where kind = 'conservation_break_k1' and resolved_at is null order by 1"""
    )
    return [Stop(**row) for row in rows]


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
