"""SQL of the reconciliation: what became of the usage, in counts, quantities and money, and the events of
each bucket."""

from typing import Any

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
from shared.values.money import Money, currency

#: Parameters $1–$5: from, to (event time), customer (external id, or a subject no customer has), event type,
#: meter; null: all.
NARROWED = """($1::timestamptz is null or e.time >= $1) and ($2::timestamptz is null or e.time < $2)
          and ($3::text is null or e.subject = $3 and coalesce(gone.customer_id, s.customer_id) is null
               or coalesce(gone.customer_id, s.customer_id) = (select customer_id from rating.customers
                   where external_id = $3))
          and ($4::text is null or e.type = $4) and ($5::text is null or $5 = any (taken.meters))"""

COUNTS = f"""
    with {facts_where(NARROWED)}
    select c.external_id as customer, case when c.customer_id is null then e.subject end as subject, e.type,
           date_trunc('month', e.time, $6::text) at time zone $6 as month,
           {BUCKET} as bucket, {REASON} as reason, count(*) as events
    from facts e left join rating.customers c on c.customer_id = e.whose_id
    group by 1, 2, 3, 4, 5, 6 order by 1, 2, 3, 4, 5, 6
"""
# Grouped by item first: distinct items then need no sort.
QUANTITIES = f"""
    with {facts_where(NARROWED)},
    measured as (
        select e.whose_id as customer_id, case when e.whose_id is null then e.subject end as subject, e.type,
               date_trunc('month', e.time, $6::text) at time zone $6 as month, {BUCKET} as bucket,
               m.meter, m.aggregation, m.list_currency, m.list_unit, {ADDS} as value, {ITEM} as item
        from facts e join meter m on m.meter = any (e.meters)
            and (m.list_unit is not null or m.meter = $5 or $5 is null and $3 is not null)
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
    group by 1, 2, 3, 4, 5, 6, 7, 8, q.aggregation
"""
MONEY = """
    select cu.external_id as customer, s.contract, p.start_date, p.end_date, s.currency, s.revision, s.final,
        s.subtotal_minor as settled,
           coalesce(sum(d.subtotal_minor) filter (where d.status = 'finalized'), 0)::bigint as documented,
           array_remove(array_agg(d.document_id order by d.document_id), null) as documents
    from rating.statements s join rating.periods p using (contract, period_start)
    join rating.contracts c using (contract) join rating.customers cu using (customer_id)
    left join billing.documents d on d.contract = s.contract and d.period_start = s.period_start
        and d.kind not in ('commitment', 'prepayment')
    where ($1::timestamptz is null or p.period_end > $1) and ($2::timestamptz is null or p.period_start < $2)
      and ($3::text is null or cu.external_id = $3)
    group by 1, 2, 3, 4, 5, 6, 7, 8 order by 1, 3, 2
"""

#: What came after the cut and changed no statement: a void of an event that stays applied, or the leaving of
#: its subject.
HELD_VOID = "(void and counted and void_late)"
HELD_LEAVING = f"(gone and not {VOIDED} and not {HELD_VOID})"
EVENTS = f"""
    with {facts_where(NARROWED + " and ($9::timestamptz is null or (e.time, e.batch_id, e.seq) > ($9, $10::bigint, $11::integer))")},
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
    where ($6::text is null or f.bucket = $6 or ($6 = 'held_late' and f.held_kind is not null))
        and ($7::text is null or f.reason = $7)
      and ($8::text is null or exists (select from jsonb_array_elements(f.closed) k
          where k ->> 'contract' = $8))
    order by f.time, f.batch_id, f.seq limit $12
"""


async def watermark(connection: asyncpg.Connection) -> dict[str, int]:
    """Partition of usage.events → the last batch that metering took of it."""
    rows = await connection.fetch(
        """select partition::text, max(batch_id) as batch_id from bus.batches
            where grp = 'rating' and topic = 'usage.events' group by partition"""
    )
    return {row["partition"]: row["batch_id"] for row in rows}


async def counts(connection: asyncpg.Connection, narrow: Narrow) -> list[Counted]:
    """Events by customer or unmatched subject, type, month of the zone, bucket and reason."""
    return [
        Counted(_usage(row), Bucket(row["bucket"]), _reason(row), row["events"])
        for row in await connection.fetch(COUNTS, *narrow.parameters(), narrow.timezone)
    ]


async def quantities(connection: asyncpg.Connection, narrow: Narrow) -> list[Measured]:
    """The same by meter: quantities, `read` events, and the list price where the meter has one.

    All meters where a customer or a meter is named; over the whole book those with a list price, which value
    suspense.
    """
    return [
        Measured(
            _usage(row), Bucket(row["bucket"]), row["meter"], _list_price(row), row["read"], row["quantity"]
        )
        for row in await connection.fetch(QUANTITIES, *narrow.parameters(), narrow.timezone)
    ]


async def money(connection: asyncpg.Connection, narrow: Narrow) -> list[Settled]:
    """What is settled and documented of each contract and period that overlaps."""
    return [_settled(row) for row in await connection.fetch(MONEY, narrow.start, narrow.end, narrow.customer)]


async def events(connection: asyncpg.Connection, narrow: Narrow, drill: Drill, rows_max: int) -> list[Placed]:
    """The events of a bucket, by time."""
    after = drill.after or (None, None, None)
    rows = await connection.fetch(
        EVENTS, *narrow.parameters(), drill.bucket, drill.reason, drill.contract, *after, rows_max
    )
    return [_placed(row) for row in rows]


#: The final statements over an event and what holds its periods, as TERMS writes them, in UTC as the
#: connection is.
_closed = msgspec.json.Decoder(tuple[ContractPeriod, ...]).decode
_holds = msgspec.json.Decoder(tuple[Hold, ...]).decode


def _usage(row: Any) -> Usage:
    return Usage(row["customer"], row["subject"], row["type"], row["month"])


def _reason(row: Any) -> Reason | None:
    return Reason(row["reason"]) if row["reason"] else None


def _list_price(row: Any) -> ListPrice | None:
    return (
        ListPrice(currency(row["list_currency"]), row["list_unit"]) if row["list_unit"] is not None else None
    )


def _settled(row: Any) -> Settled:
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
        tuple(row["documents"]),
    )


def _placed(row: Any) -> Placed:
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
