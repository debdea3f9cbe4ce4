"""What is finalized, as bytes, so that two moments can be compared; and what of it signals keeps."""

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


#: What billing's documents settle of each contract and period, what signals keeps of it, and where the two differ: all but
#: one-off charges, less what credits that were given pay, or nobody paid for, and less what is revenue as short of a commitment already.
_DIFFERS = """
    with billed as (
        select l.contract, l.start_date, l.end_date, d.currency, sum(l.amount_minor - taken.minor)::bigint as minor
        from billing.document_lines l join billing.documents d using (document_id)
        cross join lateral (
            select coalesce(sum(case when draw ->> 'kind' in ('promotional', 'shortfall')
                    then (draw ->> 'amount_minor')::bigint
                    else (draw ->> 'amount_minor')::bigint - (draw ->> 'cost_minor')::bigint end), 0) as minor
            from jsonb_array_elements(l.draws) draw) taken
        where d.status = 'finalized' and d.kind in ('invoice', 'debit_note', 'credit_note') and l.kind <> 'one_off'
        group by 1, 2, 3, 4),
    kept as (
        select contract, start_date, end_date, currency, sum(settled_minor + shortfall_minor)::bigint as minor
        from signals.settled group by 1, 2, 3, 4)
    select contract, start_date, billed.minor as billed, kept.minor as kept
    from billed full join kept using (contract, start_date, end_date, currency)
    where coalesce(billed.minor, 0) <> coalesce(kept.minor, 0)
"""
_POSTED = """
    select (select coalesce(-sum(p.amount_minor), 0) from billing.journal_postings p join billing.journal_entries e
                using (entry_id)
            where e.source_kind = 'document' and p.account like 'revenue.%' and p.account <> 'revenue.one_off')::bigint
            as posted,
        (select coalesce(sum(settled_minor + shortfall_minor), 0) from signals.settled)::bigint as kept
"""


async def settles_as_billed(admin_url: str) -> bool:
    """Whether signals keeps of every contract and period what billing's documents settle, and in all what the journal
    posted as revenue for them."""
    connection = await asyncpg.connect(admin_url)
    try:
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            differing = await connection.fetch(_DIFFERS)
            sums = await connection.fetchrow(_POSTED)
    finally:
        await connection.close()
    return not differing and sums is not None and sums["posted"] == sums["kept"] != 0
