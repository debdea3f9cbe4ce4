"""K5 of blocks: the rows of what is drawn are what statements say of it, and granted + adjusted = drawn − returned +
expired − revived + voided + refunded + left, with nothing left below zero. What was paid for a block that was sold below its
amount is recomputed of what is left of it, so that the same holds of what its rows cost.

Left: rating.block_rows. Right: the draws of each period's statement or last correction, and what each block says that it
was granted. What documents say of draws is compared with statements in `k5_lines`.
"""

from collections.abc import Sequence
from datetime import datetime

import asyncpg

from services.billing.conservation.checks.k5_told import LAST, SCOPE
from services.billing.conservation.checks.listing import listed
from services.billing.conservation.domain.breaks import Break, Checked, K, Row
from shared.values.instants import written

# Draw by draw: the rows of a contract and period against what its statement, or last correction, says.
DRAW_ROWS = f"""
    with {SCOPE}, {LAST},
    said as (
        select l.contract, l.period_start, line ->> 'line_id' as line_id, draw ->> 'block' as block,
            sum((draw ->> 'amount_minor')::bigint)::bigint as minor,
            sum((draw ->> 'cost_minor')::bigint)::bigint as cost_minor
        from last l cross join lateral jsonb_array_elements(coalesce(l.document -> 'lines', '[]')) line
        cross join lateral jsonb_array_elements(line -> 'draws') draw
        group by 1, 2, 3, 4
    ),
    kept as (
        select contract, period_start, r.line_id::text as line_id, r.block_id as block,
            -sum(r.amount_minor)::bigint as minor, -sum(r.cost_minor)::bigint as cost_minor
        from scope join rating.block_rows r using (contract, period_start)
        where r.kind in ('draw', 'return') group by 1, 2, 3, 4
    )
    select contract, period_start, line_id, block, coalesce(s.minor, 0) as said, coalesce(k.minor, 0) as kept,
        coalesce(s.cost_minor, 0) as said_cost, coalesce(k.cost_minor, 0) as kept_cost
    from said s full join kept k using (contract, period_start, line_id, block)
    where coalesce(s.minor, 0) <> coalesce(k.minor, 0) or coalesce(s.cost_minor, 0) <> coalesce(k.cost_minor, 0)
    order by contract, period_start, line_id, block
"""

# Block by block: its rows by kind, what it was granted by its clause or call, what is left, which is below zero only where
# an adjustment was allowed to take it there. One that a statement handed something on to, and does no more, has no row.
BALANCES = """
    with summed as (
        select b.block_id, b.over, b.granted_minor, b.may_be_negative,
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
        or grants = 0 and rows > 0
    order by block_id
"""

# Block by block that was sold below its amount: what was paid for what is left, of the rows that stay as they are, is that
# balance at the cost basis, rounded once, half away from zero; for nothing nothing was paid. What is handed over from one
# block to another costs the same in both, so that each time one of them may be a minor unit off, for as long as it has
# something left. All that stays, and no more, costs something.
COSTS = """
    with kept as (
        select b.block_id, b.cost_basis, r.cost_minor, r.amount_minor, r.period_start is null or p.final as stays,
            r.cause in ('rolled_over', 'returned') as handed
        from rating.blocks b join rating.block_rows r using (block_id)
        left join rating.periods p on (p.contract, p.period_start) = (r.contract, r.period_start)
        where b.cost_basis is not null
    ),
    summed as (
        select block_id, coalesce(sum(cost_minor), 0)::bigint as cost_minor,
            coalesce(sum(amount_minor) filter (where stays), 0)::bigint as left_minor,
            coalesce(round(sum(amount_minor) filter (where stays) * min(cost_basis)), 0)::bigint as expected_minor,
            count(*) filter (where stays and handed) as handed,
            count(*) filter (where stays <> (cost_minor is not null)) as strange
        from kept group by 1
    )
    select s.*, (select c.contract from rating.block_contracts c where c.block_id = s.block_id
        order by c.position limit 1) as contract
    from summed s
    where strange > 0 or abs(cost_minor - expected_minor) > handed or left_minor = 0 and cost_minor <> 0
    order by block_id
"""

# Change by change of such a block: what a statement draws on it for a line, or any other row, costs its part of the cost basis,
# but for what rounding leaves, which is less than a minor unit and that of what was handed over. What a clause or a call grants
# is the first change of its block, so that nothing is left by rounding: it costs that to the minor unit.
COST_PARTS = """
    select r.block_id, min(r.row_id) as row_id, sum(r.amount_minor)::bigint as amount_minor,
        sum(r.cost_minor)::bigint as cost_minor, sum(r.amount_minor) * min(b.cost_basis) as exact,
        (select c.contract from rating.block_contracts c where c.block_id = r.block_id
            order by c.position limit 1) as contract
    from rating.blocks b join rating.block_rows r using (block_id)
    where b.cost_basis is not null and r.cost_minor is not null
    group by r.block_id, r.statement_id, coalesce(r.line_id::text, r.row_id::text)
    having abs(sum(r.cost_minor) - sum(r.amount_minor) * min(b.cost_basis)) > 1 + (
        select count(*) from rating.block_rows h
        where h.block_id = r.block_id and h.cause in ('rolled_over', 'returned'))
        or bool_or(r.kind = 'grant' and r.period_start is null and r.cause not in ('rolled_over', 'returned')
            and r.cost_minor <> round(r.amount_minor * b.cost_basis))
    order by 1, 2
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
    bought as (
        select b.block_id, round(sum(r.amount_minor) * coalesce(b.cost_basis, 1)) as minor
        from rating.blocks b join rating.block_rows r using (block_id)
        where (b.document is not null or b.cost_basis is not null) and r.kind = 'grant' and r.period_start is null
        group by b.block_id
    )
    select coalesce(a.contract, d.contract) as contract, coalesce(a.period_start, d.period_start) as period_start,
        coalesce(a.occasion, d.occasion) as occasion, d.document_id, a.amount_minor, d.subtotal_minor, d.total_minor,
        a.whole_minor, a.parts_minor
    from part a left join bought using (block_id) full join documented d using (statement_id)
    where (d.subtotal_minor, d.total_minor) <> (a.amount_minor, a.amount_minor)
        or a.parts_known = a.parts and a.parts_minor <> a.whole_minor or a.whole_minor <> bought.minor
        or a.contract is null or d.document_id is null and a.said is not null and a.amount_minor <> 0 and $1
    order by contract, occasion
"""

# A block that documents ask for and that has begun in a period of its contract, the first of which asks for it, is asked for:
# on its first day something falls due. What a call voided before nobody is asked for.
NEVER_ASKED = """
    select b.block_id, b.kind, b.effective, b.granted_minor, p.contract, p.period_start
    from rating.blocks b
    cross join lateral (select c.contract from rating.block_contracts c where c.block_id = b.block_id
        order by c.position limit 1) own
    cross join lateral (select contract, period_start from rating.periods
        where contract = own.contract and period_end > b.effective order by period_start limit 1) p
    where b.asked_for and not b.voided and not exists (
        select from rating.asked_beforehand a where a.block_id = b.block_id)
    order by b.block_id
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
    costs = await listed(connection, COSTS, rows_max=listed_max)
    parts = await listed(connection, COST_PARTS, rows_max=listed_max)
    never = await listed(connection, NEVER_ASKED, rows_max=listed_max)
    breaks = (
        *map(_balance_off, off.rows),
        *map(_part_differs, asked.rows),
        *map(_cost_off, costs.rows),
        *map(_cost_part_off, parts.rows),
        *map(_never_asked, never.rows),
    )
    known = await connection.fetchval("select count(*) from rating.blocks")
    more = off.more + asked.more + costs.more + parts.more + never.more
    return Checked(K.MONEY, {"blocks": known}, breaks, more=more)


def _draw_rows_differ(row: asyncpg.Record) -> Break:
    where = Row("rating.block_rows", {"block_id": row["block"], "line_id": row["line_id"]})
    said, kept = (f"{row[side]}, which cost {row[f'{side}_cost']}" for side in ("said", "kept"))
    says = (
        f"the statement draws {said} of block {row['block']} for the line and its rows {kept} (minor units, the cost of a "
        "block that was sold below its amount); price an open period again, restore a row of a final one from a backup"
    )
    return Break(
        K.MONEY,
        "draw_rows_differ",
        where,
        said,
        kept,
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
    says = f"the rows of block {row['block_id']} are not its balance (minor units); restore what is missing from a backup"
    return Break(K.MONEY, "block_off", where, expected, found, says, row["contract"])


def _cost_off(row: asyncpg.Record) -> Break:
    where = Row("rating.block_rows", {"block_id": row["block_id"]})
    says = (
        f"{row['left_minor']} are left of block {row['block_id']} by the rows that stay, which were paid with "
        f"{row['expected_minor']}, and {row['strange']} rows cost something too early or nothing at all (minor units); restore "
        "the cost of its rows from a backup"
    )
    return Break(
        K.MONEY,
        "block_cost_off",
        where,
        str(row["expected_minor"]),
        str(row["cost_minor"]),
        says,
        row["contract"],
    )


def _cost_part_off(row: asyncpg.Record) -> Break:
    where = Row("rating.block_rows", {"block_id": row["block_id"], "row_id": row["row_id"]})
    says = (
        f"a change of block {row['block_id']} by {row['amount_minor']} cost {row['cost_minor']} (minor units), which is not its "
        "part of what was paid; restore the cost of its rows from a backup"
    )
    return Break(
        K.MONEY,
        "block_cost_off",
        where,
        f"{row['exact']:f}",
        str(row["cost_minor"]),
        says,
        row["contract"],
    )


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


def _never_asked(row: asyncpg.Record) -> Break:
    says = (
        f"block {row['block_id']} ({row['kind']}) pays from {written(row['effective'])} on, its documents are to ask for it, and none "
        "does or will (minor units): what it pays is paid by nobody; ask its customer for it"
    )
    return Break(
        K.MONEY,
        "block_never_asked_for",
        Row("rating.asked_beforehand", {"block_id": row["block_id"]}),
        f"a part of {row['granted_minor']}",
        "nothing",
        says,
        row["contract"],
        row["period_start"],
    )
