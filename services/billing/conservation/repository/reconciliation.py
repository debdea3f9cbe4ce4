"""SQL of the reconciliation: what became of the usage, in counts, quantities and money, and the events of
each bucket."""

from collections.abc import AsyncIterator, Sequence
from typing import Final

import asyncpg
import msgspec

from services.billing.conservation.checks.facts import (
    ADDS,
    BUCKET,
    ITEM,
    REASON,
    VOIDED,
    facts_where,
)
from services.billing.conservation.checks.k5_told import OF_PERIOD
from services.billing.conservation.domain.dispositions import Bucket, Reason
from services.billing.conservation.domain.filters import Drill, Narrow
from services.billing.conservation.domain.readings import (
    ContractPeriod,
    Counted,
    Hold,
    ListPrice,
    Measured,
    Placed,
    Settled,
    Usage,
)
from shared.db.filters import narrowed
from shared.values.money import Money, currency

#: Rows of usage in memory at once.
PREFETCH: Final = 1000
#: `customer`: an external id, or a subject no customer has.
_OF_EVENTS = {
    "start": "e.time >= {}",
    "end": "e.time < {}",
    "customer": """(e.subject = {0} and coalesce(gone.customer_id, s.customer_id) is null
        or coalesce(gone.customer_id, s.customer_id) = (select customer_id from rating.customers
            where external_id = {0}))""",
    "type": "e.type = {}",
    "meter": "{} = any (taken.meters)",
    "timezone": "",
}
_OF_PERIODS = {
    "start": "p.period_end > {}",
    "end": "p.period_start < {}",
    "customer": "cu.external_id = {}",
    "type": "",
    "meter": "",
    "timezone": "",
}
_OF_PLACED = {
    "bucket": "(f.bucket = {0} or ({0} = 'held_late' and f.held_kind is not null))",
    "reason": "f.reason = {}",
    "contract": "exists (select from jsonb_array_elements(f.closed) k where k ->> 'contract' = {})",
    "after": "",
}


def counts_sql(asked: str, zone: str) -> str:
    return f"""
    with {facts_where(asked)}
    select c.external_id as customer, case when c.customer_id is null then e.subject end as subject, e.type,
           date_trunc('month', e.time, {zone}::text) at time zone {zone} as month,
           {BUCKET} as bucket, {REASON} as reason, count(*) as events
    from facts e left join rating.customers c on c.customer_id = e.whose_id
    group by 1, 2, 3, 4, 5, 6 order by 1, 2, 3, 4, 5, 6
"""


def quantities_sql(asked: str, zone: str, meters: str) -> str:
    """Grouped by item first: distinct items then need no sort."""
    return f"""
    with {facts_where(asked)},
    measured as (
        select e.whose_id as customer_id, case when e.whose_id is null then e.subject end as subject, e.type,
               date_trunc('month', e.time, {zone}::text) at time zone {zone} as month, {BUCKET} as bucket,
               m.meter, m.aggregation, m.list_currency, m.list_unit, {ADDS} as value, {ITEM} as item
        from facts e join meter m on m.meter = any (e.meters) and ({meters})
    ),
    by_item as (
        select customer_id, subject, type, month, bucket, meter, aggregation, list_currency, list_unit, item,
               count(value) as values, sum(value) as value, count(item) as items
        from measured group by customer_id, subject, type, month, bucket, meter, aggregation, list_currency,
            list_unit, item
    )
    select c.external_id as customer, q.subject, q.type, q.month, q.bucket, q.meter, q.list_currency,
        q.list_unit,
           (sum(q.values) + sum(q.items))::bigint as read,
           case q.aggregation when 'unique' then count(q.item) else coalesce(sum(q.value), 0) end as quantity
    from by_item q left join rating.customers c using (customer_id)
    group by 1, 2, 3, 4, 5, 6, 7, 8, q.aggregation order by 1, 2, 3, 4, 5, 6
"""


def money_sql(asked: str) -> str:
    return f"""
    select cu.external_id as customer, s.contract, p.start_date, p.end_date, s.currency, s.revision, s.final,
        coalesce((select c.subtotal_minor from rating.corrections c
            where c.contract = s.contract and c.period_start = s.period_start order by run desc limit 1),
            s.subtotal_minor) as settled,
        coalesce((select sum((line ->> 'amount_minor')::bigint)
            from rating.corrections c cross join lateral jsonb_array_elements(c.document -> 'asked') line
            where c.contract = s.contract and c.period_start = s.period_start and c.outcome = 'waived'),
            0)::bigint as waived,
           coalesce((select sum(l.amount_minor)
               from billing.document_lines l join billing.documents d using (document_id)
               where l.contract = s.contract and l.period_start = s.period_start
                   and d.status = 'finalized' and {OF_PERIOD}), 0)::bigint as documented,
           array(select d.document_id
               from billing.document_statements m join billing.documents d using (document_id)
               where m.contract = s.contract and m.period_start = s.period_start and {OF_PERIOD}
               order by d.document_id) as documents
    from rating.statements s join rating.periods p using (contract, period_start)
    join rating.contracts c using (contract) join rating.customers cu using (customer_id)
    where {asked}
    order by 1, 3, 2
"""


#: What came after the cut and changed no statement: a void of an event that stays applied, until it is decided that
#: it does, or the leaving of its subject.
HELD_VOID = "(void and counted and void_held)"
HELD_LEAVING = f"(gone and not {VOIDED} and not {HELD_VOID})"


def events_sql(asked: str, placed: str) -> str:
    return f"""
    with {facts_where(asked)},
    found as (
        select *, {BUCKET} as bucket, {REASON} as reason, case when {HELD_VOID} then 'void'
            when {HELD_LEAVING} then 'leaving' end as held_kind
        from facts
    )
    select f.source, f.id, f.type, f.subject, c.external_id as customer, f.time, f.received_at, f.batch_id,
        f.seq, f.bucket, f.reason, f.held_kind,
           f.closed::text as closed, f.holds::text as holds, f.meters, m.list_currency, m.list_unit,
           {ADDS.replace("e.data", "f.data")} as list_quantity
    from found f left join rating.customers c on c.customer_id = f.whose_id
    left join meter m on m.meter = any (f.meters) and m.list_unit is not null
    where {placed}
    order by f.time, f.batch_id, f.seq"""


async def watermark(connection: asyncpg.Connection) -> dict[str, int]:
    """Partition of usage.events → the last batch that metering took of it."""
    rows = await connection.fetch(
        """select partition::text, max(batch_id) as batch_id from bus.batches
            where grp = 'rating' and topic = 'usage.events' group by partition"""
    )
    return {row["partition"]: row["batch_id"] for row in rows}


async def counts(connection: asyncpg.Connection, narrow: Narrow) -> list[Counted]:
    """Events by customer or unmatched subject, type, month of the zone, bucket and reason."""
    asked, parameters = _counts(narrow)
    return list(map(_counted, await connection.fetch(asked, *parameters)))


async def quantities(connection: asyncpg.Connection, narrow: Narrow) -> list[Measured]:
    """The same by meter: quantities, `read` events, and the list price where the meter has one.

    All meters where a customer or a meter is named; over the whole book those with a list price, which value
    suspense.
    """
    asked, parameters = _quantities(narrow)
    return list(map(_measured, await connection.fetch(asked, *parameters)))


async def each_usage(
    connection: asyncpg.Connection, narrow: Narrow
) -> AsyncIterator[tuple[Sequence[Counted], Sequence[Measured]]]:
    """The counts and the quantities of one usage after the other, in a transaction: there may be as many as there are events,
    as each subject without a customer has its own."""
    asked, parameters = _quantities(narrow)
    measures = aiter(connection.cursor(asked, *parameters, prefetch=PREFETCH))
    ahead = await anext(measures, None)
    counted: list[Counted] = []
    asked, parameters = _counts(narrow)

    async def measured() -> list[Measured]:
        nonlocal ahead
        found: list[Measured] = []
        while ahead is not None and _usage(ahead) == counted[0].usage:
            found.append(_measured(ahead))
            ahead = await anext(measures, None)
        return found

    async for row in connection.cursor(asked, *parameters, prefetch=PREFETCH):
        one = _counted(row)
        if counted and one.usage != counted[0].usage:
            yield counted, await measured()
            counted = []
        counted.append(one)
    if counted:
        yield counted, await measured()
    assert ahead is None, "what is measured is counted"


def _counts(narrow: Narrow) -> tuple[str, Sequence[object]]:
    where, zone = narrowed(narrow, _OF_EVENTS).given(narrow.timezone)
    return counts_sql(where.sql, zone), where.parameters


def _quantities(narrow: Narrow) -> tuple[str, Sequence[object]]:
    where, zone = narrowed(narrow, _OF_EVENTS).given(narrow.timezone)
    meters = "true" if narrow.every_meter else "m.list_unit is not null"
    if narrow.meter is not None:
        where, meter = where.given(narrow.meter)
        meters = f"m.list_unit is not null or m.meter = {meter}"
    return quantities_sql(where.sql, zone, meters), where.parameters


async def money(connection: asyncpg.Connection, narrow: Narrow) -> list[Settled]:
    """What is settled and documented of each contract and period that overlaps."""
    where = narrowed(narrow, _OF_PERIODS)
    return [_settled(row) for row in await connection.fetch(money_sql(where.sql), *where.parameters)]


async def events(connection: asyncpg.Connection, narrow: Narrow, drill: Drill, rows_max: int) -> list[Placed]:
    """The events of a bucket, by time."""
    asked = narrowed(narrow, _OF_EVENTS)
    if drill.after:
        asked = asked.also("(e.time, e.batch_id, e.seq) > ({}, {}, {})", *drill.after)
    placed = narrowed(drill, _OF_PLACED, following=asked)
    rows = await connection.fetch(
        f"{events_sql(asked.sql, placed.sql)} limit {rows_max:d}", *placed.parameters
    )
    return [_placed(row) for row in rows]


#: The final statements over an event and what holds its periods, as TERMS writes them, in UTC as the
#: connection is.
_closed = msgspec.json.Decoder(tuple[ContractPeriod, ...]).decode
_holds = msgspec.json.Decoder(tuple[Hold, ...]).decode


def _counted(row: asyncpg.Record) -> Counted:
    return Counted(_usage(row), Bucket(row["bucket"]), _reason(row), row["events"])


def _measured(row: asyncpg.Record) -> Measured:
    return Measured(
        _usage(row), Bucket(row["bucket"]), row["meter"], _list_price(row), row["read"], row["quantity"]
    )


def _usage(row: asyncpg.Record) -> Usage:
    return Usage(row["customer"], row["subject"], row["type"], row["month"])


def _reason(row: asyncpg.Record) -> Reason | None:
    return Reason(row["reason"]) if row["reason"] else None


def _list_price(row: asyncpg.Record) -> ListPrice | None:
    return (
        ListPrice(currency(row["list_currency"]), row["list_unit"]) if row["list_unit"] is not None else None
    )


def _settled(row: asyncpg.Record) -> Settled:
    of = currency(row["currency"])
    return Settled(
        row["customer"],
        row["contract"],
        row["start_date"],
        row["end_date"],
        row["final"],
        row["revision"],
        Money(row["settled"], of),
        Money(row["documented"], of),
        Money(row["waived"], of),
        tuple(row["documents"]),
    )


def _placed(row: asyncpg.Record) -> Placed:
    price = _list_price(row)
    return Placed(
        source=row["source"],
        id=row["id"],
        type=row["type"],
        subject=row["subject"],
        customer=row["customer"],
        time=row["time"],
        received_at=row["received_at"],
        batch_id=row["batch_id"],
        seq=row["seq"],
        bucket=Bucket(row["bucket"]),
        reason=_reason(row),
        held_kind=row["held_kind"],
        meters=tuple(row["meters"] or ()),
        closed=_closed(row["closed"] or "[]"),
        holds=_holds(row["holds"] or "[]"),
        value=price.of(row["list_quantity"]) if price and row["list_quantity"] is not None else None,
    )
