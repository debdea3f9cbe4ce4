"""What is finalized, as bytes: so that two moments can be compared."""

import hashlib

import asyncpg

_FINALIZED = """
    select 'document ' || document_id as name, d::text as said from billing.documents d where status = 'finalized'
    union all
    select 'line ' || l.document_id || ' ' || l.position, l::text
    from billing.document_lines l
    union all
    select 'entry ' || entry_id, e::text from billing.journal_entries e
    union all
    select 'posting ' || entry_id || ' ' || position, p::text from billing.journal_postings p
    union all
    select 'statement ' || contract || ' ' || period_start, s::text from rating.statements s where final
    union all
    select 'correction ' || contract || ' ' || period_start || ' ' || run, c::text from rating.corrections c
"""


async def digests(admin_url: str) -> dict[str, str]:
    """Name → SHA-256 of every row of history: documents with lines and entries, final statements, corrections."""
    connection = await asyncpg.connect(admin_url, server_settings={"timezone": "UTC"})
    try:
        rows = await connection.fetch(_FINALIZED)
    finally:
        await connection.close()
    return {row["name"]: hashlib.sha256(row["said"].encode()).hexdigest() for row in rows}


def unchanged(before: dict[str, str], after: dict[str, str]) -> bool:
    """Whether everything that was history before is there, byte by byte."""
    return all(after.get(name) == digest for name, digest in before.items())
