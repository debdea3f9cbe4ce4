"""K5, line by line and draw by draw: what a period comes to is what documents and drafts ask for it, waive or carry."""

import asyncpg

from services.billing.conservation.checks.k5_told import (
    DOCUMENTED,
    LAST,
    LINES_OF,
    OF_PERIOD,
    SCOPE,
    SETTLED_WITHOUT,
    TOLD,
    money,
)
from services.billing.conservation.domain.breaks import Break, Row

# What is documented of each line, waived, carried, or not billed yet. A statement that is on no finalized document
# speaks as billing heard it, so that the gate sees it before there is a number; what billing has not heard is under
# way, and speaks as it was told.
ASKED = f"""
    {TOLD}, {LAST}, {SETTLED_WITHOUT}, {DOCUMENTED},
    asked as materialized (
        select l.contract, l.period_start, l.line_id, l.key as line_key, l.amount_minor, l.quantity, l.draws,
               'billing.document_lines' as place, l.document_id, l.position
        from scope join billing.document_lines l using (contract, period_start)
        join billing.documents d using (document_id)
        where d.status = 'finalized' and {OF_PERIOD}
        union all
        select t.contract, t.period_start, line ->> 'line_id', line ->> 'key', (line ->> 'amount_minor')::bigint,
            (line ->> 'quantity')::numeric, coalesce(line -> 'draws', '[]'),
            case when h.statement_id is null then 'rating.statements' else 'billing.statements' end,
            t.statement_id::text, null
        from told t left join billing.statements h using (statement_id, revision)
        cross join lateral {LINES_OF.format("coalesce(h.document, t.document)")} line
        where t.statement_id not in (select statement_id from documented)
        union all
        select w.contract, w.period_start, line ->> 'line_id', line ->> 'key', (line ->> 'amount_minor')::bigint,
            (line ->> 'quantity')::numeric, coalesce(line -> 'draws', '[]'), 'rating.corrections', null, null
        from settled_without w cross join lateral jsonb_array_elements(coalesce(w.document -> 'asked', '[]')) line
    )"""

# Line by line: what the period comes to against what is asked for it. A line of nothing is on the first document, and on
# no note.
LINES = f"""
    with {SCOPE}, {ASKED},
    settled as (
        select s.contract, s.period_start, line ->> 'line_id' as line_id, line ->> 'key' as line_key,
               (line ->> 'amount_minor')::bigint as amount_minor, (line ->> 'quantity')::numeric as quantity
        from last s cross join lateral jsonb_array_elements(coalesce(s.document -> 'lines', '[]')) line
    ),
    first as (
        select s.contract, s.period_start, line ->> 'line_id' as line_id
        from scope join rating.statements s using (contract, period_start)
        cross join lateral jsonb_array_elements(coalesce(s.document -> 'lines', '[]')) line
    ),
    billed as (
        select contract, period_start, line_id, min(line_key) as line_key, count(*) as parts,
            sum(amount_minor)::bigint as amount_minor, sum(quantity) as quantity,
               min(place) as place, min(document_id) as document_id, min(position) as position
        from asked group by 1, 2, 3
    )
    select contract, period_start, line_id, coalesce(s.line_key, b.line_key) as line_key,
        s.amount_minor as settled, b.amount_minor as billed,
           s.quantity as settled_quantity, b.quantity as billed_quantity, b.place, b.document_id, b.position
    from settled s full join billed b using (contract, period_start, line_id)
    where (coalesce(s.amount_minor, 0), coalesce(s.quantity, 0))
            <> (coalesce(b.amount_minor, 0), coalesce(b.quantity, 0))
        or b.line_id is null and (contract, period_start, line_id) in (select * from first)
        or s.line_id is null and b.parts = 1 and (contract, period_start, line_id) not in (select * from first)
    order by contract, period_start, line_key, line_id
"""

# Draw by draw: what rating paid of each line from each block against what is said of it.
DRAWS = f"""
    with {SCOPE}, {ASKED},
    settled as (
        select s.contract, s.period_start, line ->> 'line_id' as line_id, draw ->> 'block' as block,
            draw ->> 'kind' as kind, sum((draw ->> 'amount_minor')::bigint)::bigint as amount_minor,
            coalesce(sum((draw ->> 'cost_minor')::bigint), 0)::bigint as cost_minor
        from last s
        cross join lateral jsonb_array_elements(coalesce(s.document -> 'lines', '[]')) line
        cross join lateral jsonb_array_elements(line -> 'draws') draw
        group by 1, 2, 3, 4, 5
    ),
    billed as (
        select contract, period_start, line_id, draw ->> 'block' as block, draw ->> 'kind' as kind,
            sum((draw ->> 'amount_minor')::bigint)::bigint as amount_minor,
            coalesce(sum((draw ->> 'cost_minor')::bigint), 0)::bigint as cost_minor,
            min(document_id) filter (where position is not null) as document_id, min(position) as position
        from asked cross join lateral jsonb_array_elements(draws) draw group by 1, 2, 3, 4, 5
    )
    select contract, period_start, line_id, block, kind, coalesce(s.amount_minor, 0) as settled,
        coalesce(b.amount_minor, 0) as billed, coalesce(s.cost_minor, 0) as settled_cost,
        coalesce(b.cost_minor, 0) as billed_cost, b.document_id, b.position
    from settled s full join billed b using (contract, period_start, line_id, block, kind)
    where (coalesce(s.amount_minor, 0), coalesce(s.cost_minor, 0))
        <> (coalesce(b.amount_minor, 0), coalesce(b.cost_minor, 0))
    order by contract, period_start, line_id, block, kind
"""


def line_differs(row: asyncpg.Record) -> Break:
    settled, billed = (_amount(row[f"{side}"], row[f"{side}_quantity"]) for side in ("settled", "billed"))
    where = Row(
        row["place"] or "billing.document_lines",
        {
            **(
                {"document_id" if row["position"] else "statement_id": row["document_id"]}
                if row["document_id"]
                else {}
            ),
            **({"position": row["position"]} if row["position"] else {}),
            "line_id": row["line_id"],
            "key": row["line_key"],
            "contract": row["contract"],
            "period_start": row["period_start"],
        },
    )
    return money(
        row,
        "line_differs",
        where,
        settled,
        billed,
        f"rating settled line {row['line_key']} at {settled} and billing documents {billed} (minor units); "
        "a draft is drafted again, a finalized document is corrected by a note",
    )


def draw_differs(row: asyncpg.Record) -> Break:
    where = Row(
        "billing.document_lines",
        {
            **(
                {"document_id": row["document_id"], "position": row["position"]} if row["document_id"] else {}
            ),
            "line_id": row["line_id"],
            "block": row["block"],
        },
    )
    settled, billed = (f"{row[side]}, which cost {row[f'{side}_cost']}" for side in ("settled", "billed"))
    return money(
        row,
        "draw_differs",
        where,
        settled,
        billed,
        f"rating drew {settled} of block {row['block']} for the line and billing documents {billed} "
        "(minor units, the cost of a block that was sold below its amount); a finalized document is corrected by a note",
    )


def _amount(minor: int | None, quantity: object) -> str:
    return "no line" if minor is None else f"{minor} for {quantity}"
