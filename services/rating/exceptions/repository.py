"""All SQL that reads exceptions."""

import asyncpg


async def newest_first(
    connection: asyncpg.Connection, kind: str | None, owner: str | None, reference: str | None, *, resolved: bool, before: str | None, rows_max: int,
) -> list[asyncpg.Record]:
    """Return exceptions older than the id `before`, newest first: the open ones, or the resolved ones."""
    return await connection.fetch(
        """select exception_id, kind, reference, detail, owner, opened_at, deadline_at, amount_minor, currency, resolved_at from rating.exceptions
           where (resolved_at is not null) = $6 and ($1::text is null or kind = $1) and ($2::text is null or owner = $2)
             and ($3::text is null or reference = $3) and ($4::text is null or exception_id < $4)
           order by exception_id desc limit $5""",
        kind, owner, reference, before, rows_max, resolved,
    )
