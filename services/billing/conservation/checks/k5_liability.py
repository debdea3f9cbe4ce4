"""K5 of what customers have paid and not used up: each change of a block that was paid is booked once, as it is, and what
the journal owes of a block is what is left of it.

Left: rating.block_rows and rating.blocks. Right: the postings on `credits_liability`, each of one block. What documents are
still to ask for of it, or to say of its draws, is not in the books yet.
"""

import asyncpg

from services.billing.conservation.checks.listing import listed
from services.billing.conservation.domain.breaks import Break, Checked, K, Row

#: What customers have paid and not used up.
LIABILITY = "credits_liability"
#: Blocks that are owed: what was given, or asked for as short of a commitment, posts as it is drawn.
OWED = "b.kind not in ('promotional', 'shortfall')"

#: What was paid for what a row adds: as much, or what it cost of a block that was sold below its amount. What an open statement
#: makes of one costs nothing yet.
PAID = "case when b.cost_basis is null then r.amount_minor else coalesce(r.cost_minor, 0) end"

#: `booked`: the rows that stay as they are and post, each with the event that books it. What a block gives up to another, or
#: has back of it, is booked with what that one has of it. A grant that documents ask for is posted by them; a void before they do takes it back.
#: What lapses and none asked for is not booked.
BOOKED = f"""booked as materialized (
        select r.row_id, r.block_id, r.kind, {PAID} - coalesce(round(r.unasked_minor * {PAID}::numeric / r.amount_minor), 0)::bigint
                as amount_minor, r.period_start, r.contract, r.recorded_at,
            coalesce(taker.block_id, r.block_id) as source_id,
            coalesce(taker.kind || ':' || taker.row_id, r.kind || ':' || r.row_id) as event
        from rating.block_rows r join rating.blocks b using (block_id)
        left join rating.periods p on (p.contract, p.period_start) = (r.contract, r.period_start)
        left join lateral (
            select g.row_id, g.block_id, g.kind from rating.block_rows g join rating.blocks gb using (block_id)
            where (g.contract, g.period_start, g.statement_id, g.at)
                    = (r.contract, r.period_start, r.statement_id, r.at)
                and g.kind in ('grant', 'adjustment') and g.block_id <> r.block_id and gb.effective = g.at
                and gb.clauses = b.clauses and (gb.returned_from is null or gb.returned_from = b.block_id)
        ) taker on r.kind = 'adjustment' and b.effective <> r.at
        where {OWED} and r.kind not in ('draw', 'return') and (r.period_start is null or p.final)
            and not (b.asked_for and r.kind in ('grant', 'void') and r.period_start is null)
    )"""

# Row by row: what is booked of it, on the block and against it. Unless all is heard ($1), what has no entry is under way; so
# are the rows of a book of before until all of them are told.
# What a statement hands on moves within the account, or was short, or is given.
ROWS = f"""
    with {BOOKED}
    select k.*, e.entry_id, b.owed_minor, b.against_minor, coalesce(b.off, 0) as off
    from booked k
    left join billing.journal_entries e
        on (e.source_kind, e.source_id, e.event) = ('block', k.source_id, k.event)
    left join lateral (
        select coalesce(-sum(p.amount_minor) filter (
                where p.account = '{LIABILITY}' and p.block_id = k.block_id), 0)::bigint as owed_minor,
            coalesce(sum(p.amount_minor) filter (where p.account = case
                when k.period_start is not null then p.account
                when k.kind in ('expiry', 'revived', 'void') then 'revenue.breakage'
                when k.kind = 'refund' then 'customer_credit'
                else 'opening_balance' end and p.block_id is null), 0)::bigint as against_minor,
            sum(p.amount_minor)::bigint as off
        from billing.journal_postings p where p.entry_id = e.entry_id
    ) b on true
    where e.entry_id is null and k.amount_minor <> 0 and $1 and exists (
            select from rating.retold where topic = 'rating.block_rows' and done_at is not null)
        or e.entry_id is not null and (b.owed_minor <> k.amount_minor or b.off <> 0
            or k.period_start is null and b.against_minor <> k.amount_minor)
    order by k.row_id
"""

# Block by block: what the journal owes of it against what is left of it, less what its documents are still to ask for
# (once it is over, no more than they were to ask for: what none did lapses, and is no revenue), and
# what is drawn and in no document yet, or handed on by no final statement. A block that has a row without an entry is
# named by that, or waits for it.
BLOCKS = f"""
    with {BOOKED},
    owed as (
        select coalesce(p.block_id, a.block_id) as block_id, -sum(p.amount_minor)::bigint as minor
        from billing.journal_postings p
        left join (billing.journal_entries e
            join billing.document_statements made_from on e.source_kind = 'document'
                and made_from.document_id = e.source_id
            join rating.asked_beforehand a using (statement_id)) on p.block_id is null and e.entry_id = p.entry_id
        where p.account = '{LIABILITY}' group by 1
    ),
    asked as (
        select a.block_id, sum(d.subtotal_minor)::bigint as minor
        from rating.asked_beforehand a join billing.document_statements made_from using (statement_id)
        join billing.documents d using (document_id) where d.status = 'finalized' group by 1
    ),
    drawn as (
        select draw ->> 'block' as block_id,
            sum(coalesce(draw ->> 'cost_minor', draw ->> 'amount_minor')::bigint)::bigint as minor
        from billing.document_lines l join billing.documents d using (document_id)
        cross join lateral jsonb_array_elements(l.draws) draw where d.status = 'finalized' group by 1
    ),
    kept as (
        select b.block_id, b.asked_for, coalesce(sum({PAID}), 0)::bigint as left_minor,
            case when b.over then case when b.asked_for then coalesce((select sum(a.amount_minor)
                from rating.asked_beforehand a where a.block_id = b.block_id), 0) else 0 end
                else coalesce(sum({PAID}) filter (where b.asked_for and r.kind in ('grant', 'void')
                    and r.period_start is null), 0) end::bigint as to_ask,
            coalesce(-sum({PAID}) filter (where r.kind in ('draw', 'return')), 0)::bigint as drawn,
            coalesce(sum({PAID}) filter (
                where r.kind in ('grant', 'adjustment') and not p.final), 0)::bigint as open,
            (select c.contract from rating.block_contracts c where c.block_id = b.block_id
                order by c.position limit 1) as contract
        from rating.blocks b left join rating.block_rows r using (block_id)
        left join rating.periods p on (p.contract, p.period_start) = (r.contract, r.period_start)
        where {OWED} group by 1, 2
    ),
    expected as (
        select k.block_id, k.contract, k.left_minor,
            k.left_minor - (k.to_ask - case when k.asked_for then coalesce(a.minor, 0) else 0 end)
                + (k.drawn - coalesce(d.minor, 0)) - k.open as minor
        from kept k left join asked a using (block_id) left join drawn d using (block_id)
    )
    select coalesce(x.block_id, o.block_id) as block_id, x.contract, x.left_minor, coalesce(x.minor, 0) as expected,
        coalesce(o.minor, 0) as owed
    from expected x full join owed o using (block_id)
    where coalesce(x.minor, 0) <> coalesce(o.minor, 0) and not exists (
        select from booked k where k.block_id = x.block_id and k.amount_minor <> 0 and not exists (
            select from billing.journal_entries e
            where (e.source_kind, e.source_id, e.event) = ('block', k.source_id, k.event)))
    order by 1
"""


async def liability(connection: asyncpg.Connection, listed_max: int | None, *, drained: bool) -> Checked:
    """Every change of a block that was paid, and every block. Unless `drained`, what billing has not heard is under way."""
    rows = await listed(connection, ROWS, drained, rows_max=listed_max)
    off = await listed(connection, BLOCKS, rows_max=listed_max)
    breaks = (*map(_row_not_booked, rows.rows), *map(_owed_differs, off.rows))
    return Checked(K.MONEY, {}, breaks, more=rows.more + off.more)


def _row_not_booked(row: asyncpg.Record) -> Break:
    where = Row("billing.journal_entries", {"source_id": row["source_id"], "event": row["event"]})
    change = (
        f"{row['kind']} {row['amount_minor']} of block {row['block_id']} (row {row['row_id']}, minor units)"
    )
    if row["entry_id"] is None:
        fault, found = "block_row_not_posted", "no entry"
        says = f"{change} was told, nothing is under way, and no entry books it; have rating tell its block rows again"
    else:
        fault, found = (
            "block_entry_differs",
            f"{row['owed_minor']}, {row['against_minor']} against it, off by {row['off']}",
        )
        says = f"entry {row['entry_id']} does not book {change}; reverse it, and post the row again"
    return Break(K.MONEY, fault, where, str(row["amount_minor"]), found, says, row["contract"])


def _owed_differs(row: asyncpg.Record) -> Break:
    where = Row("billing.journal_postings", {"account": LIABILITY, "block_id": row["block_id"]})
    says = (
        f"{row['left_minor'] or 0} were paid for what is left of block {row['block_id']}, of which {row['expected']} should be in the books by "
        "now (minor units); find the document or row that is not posted as it is, and correct it by another entry"
    )
    return Break(
        K.MONEY, "block_owed_differs", where, str(row["expected"]), str(row["owed"]), says, row["contract"]
    )
