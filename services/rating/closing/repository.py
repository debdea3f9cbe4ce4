"""SQL of a month's close: its statements by state, and what waits before they can be final."""

from datetime import date, datetime

import asyncpg

from services.rating.closing.rows import OpenStatement, StateTotal, Waiting
from services.rating.statements.domain.message import PRICING_FAILED
from services.rating.statements.repository.statements import state_at

#: So many batches and marks are counted.
WAITING_MAX = 100_000
_OF_MONTH = "p.end_date >= $1::date and p.end_date < ($1::date + interval '1 month')::date"
_TOTALS = f"""
select state, currency, count(*)::int as statements, sum(subtotal_minor) as subtotal_minor
from (select {state_at("$2")} as state, st.currency, st.subtotal_minor
    from rating.periods p left join rating.statements st using (contract, period_start) where {_OF_MONTH}) found
group by 1, 2 order by 1, 2 nulls last
"""
_OPEN = f"""
with shown as materialized (
    select p.contract, c.customer_id, cu.external_id, p.period_start, p.period_end, p.start_date, p.end_date,
        {state_at("$2")} as state, p.close_due_at
    from rating.periods p join rating.contracts c using (contract) join rating.customers cu using (customer_id)
    where {_OF_MONTH} and not p.final
        and (p.contract, p.period_start) > (coalesce($3::text, ''), coalesce($4::timestamptz, '-infinity'))
    order by p.contract, p.period_start limit $5),
marked as materialized (
    select s.customer_id, m.day, count(*) as marks
    from (select subject, day from rating.marks order by mark_id limit {WAITING_MAX}) m
    join rating.subjects s using (subject)
    where s.customer_id in (select customer_id from shown) group by 1, 2)
select p.contract, p.external_id, p.period_start, p.start_date, p.end_date, p.state, p.close_due_at, st.currency,
    st.subtotal_minor,
    exists (select from rating.periods b
        where b.contract = p.contract and b.period_start < p.period_start and not b.final) as older_open,
    exists (select from rating.stale a
        where a.contract = p.contract and a.period_start = p.period_start) as asked,
    case when not beyond.marks then (select coalesce(sum(m.marks), 0) from marked m
        where m.customer_id = p.customer_id and p.period_start < (m.day + 1)::timestamp at time zone 'UTC'
            and p.period_end > m.day::timestamp at time zone 'UTC')::int end as marks,
    x.exception_id, x.detail, x.owner
from shown p cross join (select exists (select from rating.marks offset {WAITING_MAX}) as marks) beyond
left join rating.statements st using (contract, period_start)
left join rating.exceptions x on x.kind = '{PRICING_FAILED}' and x.resolved_at is null
    and x.reference = p.contract || ':' || to_char(p.start_date, 'YYYY-MM-DD')
order by p.contract, p.period_start
"""
_WAITING = f"""
select batches.n::int as batches, marks.n::int as marks, least(batches.since, marks.since) as since
from (select count(*) as n, min(at) as since from (select b.at from rating.usage_deltas d
        join bus.batches b using (batch_id) order by batch_id limit {WAITING_MAX}) unfolded) batches,
    (select count(*) as n, min(marked_at) as since from (select marked_at from rating.marks
        order by mark_id limit {WAITING_MAX}) unfanned) marks
"""


class ClosingRepository:
    def __init__(self, connection: asyncpg.Connection) -> None:
        self._connection = connection

    async def totals(self, month: date, now: datetime) -> list[StateTotal]:
        """Of the periods whose last day is in the month that begins on this day, by state and currency."""
        rows = await self._connection.fetch(_TOTALS, month, now)
        return [
            StateTotal(
                row["state"],
                row["currency"],
                row["statements"],
                None if row["subtotal_minor"] is None else int(row["subtotal_minor"]),
            )
            for row in rows
        ]

    async def open_statements(
        self, month: date, now: datetime, after: tuple[str, datetime] | None, limit: int
    ) -> list[OpenStatement]:
        """Those that are not final, by contract and period, after this one."""
        rows = await self._connection.fetch(_OPEN, month, now, *(after or (None, None)), limit)
        return [OpenStatement(**row) for row in rows]

    async def unfolded_since(self) -> datetime | None:
        """When the first event of the oldest batch that is not folded was received; None: all are."""
        found: datetime | None = await self._connection.fetchval(
            """select least(b.at, (select min(e.received_at) from rating.events e where e.batch_id = b.batch_id))
               from rating.usage_deltas d join bus.batches b using (batch_id) order by b.at limit 1"""
        )
        return found

    async def waiting(self) -> Waiting:
        row = await self._connection.fetchrow(_WAITING)
        assert row is not None, "an aggregate has a row"
        return Waiting(**row)
