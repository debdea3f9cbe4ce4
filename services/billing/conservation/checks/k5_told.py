"""What K5's questions are made of: what is told of contracts and periods, what each comes to, and a break in their money."""

import asyncpg

from services.billing.conservation.domain.breaks import Break, K, Row

SCOPE = "scope as (select * from unnest($1::text[], $2::timestamptz[]) as s (contract, period_start))"
#: Documents of a service period: those that make a balance (commitment, prepayment) are not usage of the
#: period.
OF_PERIOD = "d.kind not in ('commitment', 'prepayment')"
#: The statements that are on a finalized document, after SCOPE.
DOCUMENTED = f"""documented as materialized (
        select made_from.statement_id
        from scope join billing.document_statements made_from using (contract, period_start)
        join billing.documents d using (document_id)
        where d.status = 'finalized' and {OF_PERIOD}
    )"""

#: SQL: the lines of the document of a statement, which is told as this JSON.
LINES_OF = """jsonb_array_elements(coalesce(case when {0} ->> 'occasion' like 'note:%' then {0} -> 'asked'
    else {0} -> 'lines' end, '[]'))"""

#: After SCOPE. `told`: every statement that a document is made of; corrections that were carried or waived have none.
TOLD = f"""told as materialized (
        select contract, period_start, 'period' as occasion, statement_id, revision, final, s.currency,
            s.subtotal_minor, s.document
        from scope join rating.statements s using (contract, period_start)
        union all
        select contract, period_start, c.document ->> 'occasion', statement_id, revision, true, c.currency,
            c.subtotal_minor, c.document
        from scope join rating.corrections c using (contract, period_start) where c.outcome = 'note'
    ),
    asked_of as materialized (
        select statement_id, coalesce(sum((line ->> 'amount_minor')::bigint), 0)::bigint as asked_minor
        from told left join lateral {LINES_OF.format("told.document")} line on true group by 1
    )"""

#: After SCOPE. `last`: what each period comes to: its last correction or, without one, its statement.
LAST = """last as materialized (
        select contract, period_start, coalesce(c.document, s.document) as document,
            coalesce(c.subtotal_minor, s.subtotal_minor) as subtotal_minor, s.currency
        from scope join rating.statements s using (contract, period_start)
        left join lateral (select document, subtotal_minor from rating.corrections c
            where c.contract = scope.contract and c.period_start = scope.period_start
            order by run desc limit 1) c on true
    )"""

#: After SCOPE. `settled_without`: corrections whose difference no document asks for: waived, or carried to the next run,
#: which says anew what differs by then, or that nothing does.
SETTLED_WITHOUT = """settled_without as materialized (
        select contract, period_start, c.run, c.outcome, c.document, (
            select coalesce(sum((line ->> 'amount_minor')::bigint), 0)::bigint
            from jsonb_array_elements(coalesce(c.document -> 'asked', '[]')) line) as asked_minor
        from scope join rating.corrections c using (contract, period_start)
        where c.outcome = 'waived' or c.outcome = 'carried' and not exists (
            select from rating.corrections later where later.contract = c.contract
                and later.period_start = c.period_start and later.run > c.run)
    )"""


def money(row: asyncpg.Record, fault: str, where: Row, expected: object, found: object, says: str) -> Break:
    """A break in the money of a contract and period."""
    return Break(K.MONEY, fault, where, str(expected), str(found), says, row["contract"], row["period_start"])
