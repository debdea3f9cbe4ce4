"""K5 of blocks: the rows of what is drawn are what statements say of it, and granted + adjusted = drawn − returned +
expired − revived + voided + refunded + left, with nothing left below zero.

Left: rating.block_rows. Right: the draws of each period's statement or last correction, and what each block says that it
was granted. What documents say of draws is compared with statements in `k5_lines`.
"""

from collections.abc import Sequence
from datetime import datetime

import asyncpg

from services.billing.conservation.checks.k5_told import LAST, SCOPE
from services.billing.conservation.checks.listing import listed
from services.billing.conservation.domain.breaks import Break, Checked, K, Row

# Draw by draw: the rows of a contract and period against what its statement, or last correction, says.
DRAW_ROWS = f"""
    with {SCOPE}, {LAST},
    said as (
        select l.contract, l.period_start, line ->> 'line_id' as line_id, draw ->> 'block' as block,
            sum((draw ->> 'amount_minor')::bigint)::bigint as minor
        from last l cross join lateral jsonb_array_elements(coalesce(l.document -> 'lines', '[]')) line
        cross join lateral jsonb_array_elements(line -> 'draws') draw
        group by 1, 2, 3, 4
    ),
    kept as (
        select contract, period_start, r.line_id::text as line_id, r.block_id as block,
            -sum(r.amount_minor)::bigint as minor
        from scope join rating.block_rows r using (contract, period_start)
        where r.kind in ('draw', 'return') group by 1, 2, 3, 4
    )
    select contract, period_start, line_id, block, coalesce(s.minor, 0) as said, coalesce(k.minor, 0) as kept
    from said s full join kept k using (contract, period_start, line_id, block)
    where coalesce(s.minor, 0) <> coalesce(k.minor, 0)
    order by contract, period_start, line_id, block
"""

# Block by block: its rows by kind, what it was granted by its clause or call, what is left, which is below zero only where
# an adjustment was allowed to take it there, and what was given back of it: its cost, half a minor unit up. One that a
# statement handed something on to, and does no more, has no row.
BALANCES = """
    with summed as (
        select b.block_id, b.over, b.granted_minor, b.may_be_negative,
            coalesce(sum(r.given_back_minor), 0)::bigint as given_back_minor,
            coalesce(round(-sum(r.amount_minor) filter (where r.kind = 'refund') * b.cost_basis), 0) as cost_minor,
            coalesce(sum(r.amount_minor), 0)::bigint as left_minor,
            coalesce(sum(r.amount_minor) filter (
                where r.kind in ('grant', 'adjustment') and r.period_start is null), 0)::bigint as rows_minor,
            count(*) filter (where r.kind = 'grant') as grants, count(r.row_id) as rows,
            (select c.contract from rating.block_contracts c where c.block_id = b.block_id
                order by c.position limit 1) as contract
        from rating.blocks b left join rating.block_rows r using (block_id) group by b.block_id
    )
    select * from summed
    where left_minor < 0 and not may_be_negative or over and left_minor > 0 or rows_minor <> granted_minor
        or grants = 0 and rows > 0 or given_back_minor <> cost_minor
    order by block_id
"""

# What was asked for beforehand against its document: each that was told has one, it is the part of its schedule, and
# parts sum to their whole; no document asks for what was not. Unless all is heard ($1), one without its document is under
# way, and one of nothing may have none.
BEFOREHAND = """
    with part as (
        select a.*, sum(a.amount_minor) over (partition by a.contract, a.block_id) as parts_minor,
            count(*) over (partition by a.contract, a.block_id) as parts_known
        from rating.asked_beforehand a
    ),
    documented as (
        select made_from.contract, made_from.period_start, made_from.occasion, made_from.statement_id, d.document_id,
            d.subtotal_minor, d.total_minor
        from billing.documents d join billing.document_statements made_from using (document_id)
        where d.kind in ('commitment', 'prepayment')
    ),
    cost as (
        select b.block_id, round(sum(r.amount_minor) * b.cost_basis) as cost_minor
        from rating.blocks b join rating.block_rows r using (block_id)
        where b.cost_basis is not null and r.kind = 'grant' group by b.block_id
    )
    select coalesce(a.contract, d.contract) as contract, coalesce(a.period_start, d.period_start) as period_start,
        coalesce(a.occasion, d.occasion) as occasion, d.document_id, a.amount_minor, d.subtotal_minor, d.total_minor,
        a.whole_minor, a.parts_minor
    from part a left join cost using (block_id) full join documented d using (statement_id)
    where (d.subtotal_minor, d.total_minor) <> (a.amount_minor, a.amount_minor)
        or a.parts_known = a.parts and a.parts_minor <> a.whole_minor or a.whole_minor <> cost_minor
        or a.contract is null or d.document_id is null and a.said is not null and a.amount_minor <> 0 and $1
    order by contract, occasion
"""


async def draws_of(
    connection: asyncpg.Connection,
    periods: Sequence[tuple[str, datetime]],
    *,
    listed_max: int | None = None,
) -> Checked:
    """What rows and statements of these contracts and periods say of draws."""
    contracts, starts = [contract for contract, _ in periods], [start for _, start in periods]
    rows = await listed(connection, DRAW_ROWS, contracts, starts, rows_max=listed_max)
    return Checked(K.MONEY, {}, tuple(map(_draw_rows_differ, rows.rows)), more=rows.more)


async def blocks(connection: asyncpg.Connection, listed_max: int | None, *, drained: bool) -> Checked:
    """Every block, and what is asked for beforehand. Unless `drained`, what billing has not heard yet is under way."""
    off = await listed(connection, BALANCES, rows_max=listed_max)
    asked = await listed(connection, BEFOREHAND, drained, rows_max=listed_max)
    breaks = (*map(_balance_off, off.rows), *map(_part_differs, asked.rows))
    known = await connection.fetchval("select count(*) from rating.blocks")
    return Checked(K.MONEY, {"blocks": known}, breaks, more=off.more + asked.more)


def _draw_rows_differ(row: asyncpg.Record) -> Break:
    where = Row("rating.block_rows", {"block_id": row["block"], "line_id": row["line_id"]})
    says = (
        f"the statement draws {row['said']} of block {row['block']} for the line and its rows {row['kept']} (minor "
        "units); price an open period again, restore a row of a final one from a backup"
    )
    return Break(
        K.MONEY,
        "draw_rows_differ",
        where,
        str(row["said"]),
        str(row["kept"]),
        says,
        row["contract"],
        row["period_start"],
    )


def _balance_off(row: asyncpg.Record) -> Break:
    where = Row("rating.block_rows", {"block_id": row["block_id"]})
    if row["rows_minor"] != row["granted_minor"] or not row["grants"]:
        expected, found = f"{row['granted_minor']} granted", f"{row['rows_minor']} in {row['grants']} rows"
    else:
        expected, found = "0 left" if row["over"] else "at least 0 left", f"{row['left_minor']} left"
    if row["given_back_minor"] != row["cost_minor"]:
        expected, found = f"{row['cost_minor']} given back", f"{row['given_back_minor']}"
    says = f"the rows of block {row['block_id']} are not its balance (minor units); restore what is missing from a backup"
    return Break(K.MONEY, "block_off", where, expected, found, says, row["contract"])


def _part_differs(row: asyncpg.Record) -> Break:
    where = Row(
        "rating.asked_beforehand",
        {"contract": row["contract"], "occasion": row["occasion"]},
    )
    asked, documented = row["amount_minor"], row["document_id"]
    expected = "nothing" if asked is None else f"{asked} of {row['whole_minor']}"
    found = (
        "no document"
        if documented is None
        else f"{row['subtotal_minor']}, less draws {row['total_minor']}, in {documented}; {row['parts_minor'] or 0} in all parts"
    )
    says = (
        "a document of its kind asks for the part of its schedule, and none asks for anything else (minor units); let "
        "billing hear the statement again, or correct the document by a note"
    )
    return Break(K.MONEY, "part_differs", where, expected, found, says, row["contract"], row["period_start"])
