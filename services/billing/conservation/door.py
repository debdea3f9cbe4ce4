"""K2: what each request brought is published, quarantined or refused, and what was published is on the bus.

Left: usage_ingest.receipts. Right: the batch rows and heads of usage.events and usage.quarantine, and usage_ingest.quarantine.
A receipt is written after its events, so receipts never promise more than the bus has; a kill -9 may lose a receipt, never an event.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import asyncpg

from services.billing.conservation.domain.breaks import Break, Checked, K, Row
from services.billing.conservation.listing import LISTED_MAX
from services.billing.conservation.transport import Heads

UNEVEN = """
    select receipt_id, key_id, source, received_at, received, published, quarantined, refused
    from usage_ingest.receipts where received <> published + quarantined + refused
    order by received_at limit $1
"""
RECEIPTS = """
    select count(*) as receipts, coalesce(sum(received), 0)::bigint as received, coalesce(sum(published), 0)::bigint as published,
           coalesce(sum(quarantined), 0)::bigint as quarantined, coalesce(sum(refused), 0)::bigint as refused
    from usage_ingest.receipts
"""
CONSUMED = """
    select topic, partition, sum(to_offset - from_offset)::bigint as records, sum(new)::bigint as new
    from bus.batches where grp = $1 and topic = $2 group by topic, partition
"""
# The hours are added up in the transaction that stores the receipts; receipts of usage.raw name their offsets, its hours only the topic.
HOURS_OFF = """
    with received as (
        select source, hour, count(*) as receipts, sum(received) as received, sum(published) as published, sum(quarantined) as quarantined,
               sum(refused) as refused
        from usage_ingest.receipts group by source, hour
    ),
    kept as (
        select source, hour, sum(receipts) as receipts, sum(received) as received, sum(published) as published, sum(quarantined) as quarantined,
               sum(refused) as refused
        from usage_ingest.door_hours group by source, hour
    )
    select source, hour, to_jsonb(r) - 'source' - 'hour' as receipts, to_jsonb(k) - 'source' - 'hour' as hours
    from received r full join kept k using (source, hour)
    where (r.receipts, r.received, r.published, r.quarantined, r.refused)
        is distinct from (k.receipts, k.received, k.published, k.quarantined, k.refused)
    order by hour, source limit $1
"""
HOURS = """
    select key_id, source, hour, sum(received)::bigint as received, sum(published)::bigint as published,
           sum(quarantined)::bigint as quarantined, sum(refused)::bigint as refused
    from usage_ingest.receipts where hour >= $1 and hour < $2
    group by key_id, source, hour order by hour, key_id, source limit $3
"""
TOLD_MAX_BYTES = 512 * 1024                      # a larger record of usage.raw fits no message: the door stores it without usage.quarantine
DOORS = (("published", "usage.events", "rating"), ("quarantined", "usage.quarantine", "usage_ingest"))


async def door(connection: asyncpg.Connection, heads: Heads | None = None) -> Checked:
    """K2 over all receipts. `heads` as in K1."""
    [totals] = [dict(row) for row in await connection.fetch(RECEIPTS)]
    breaks = [_uneven(row) for row in await connection.fetch(UNEVEN, LISTED_MAX)]
    for column, topic, group in DOORS:
        taken = await _records(connection, heads, topic, group)
        totals[f"on_{topic}"] = taken["records"]
        if totals[column] > taken["records"]:
            breaks.append(_unpublished(column, topic, totals[column], taken["records"]))
    stored = await connection.fetchval("select count(*) from usage_ingest.quarantine where octet_length(raw) <= $1", TOLD_MAX_BYTES)
    if stored != taken["new"]:
        breaks.append(_quarantine(stored, taken["new"]))
    breaks += [_hour_off(row) for row in await connection.fetch(HOURS_OFF, LISTED_MAX)]
    return Checked(K.DOOR, totals, tuple(breaks))


async def hours(connection: asyncpg.Connection, start: datetime, end: datetime, rows_max: int) -> list[dict[str, Any]]:
    """What each key and source brought in each hour: received, published, quarantined, refused."""
    return [dict(row) for row in await connection.fetch(HOURS, start, end, rows_max)]


async def _records(connection: asyncpg.Connection, heads: Heads | None, topic: str, group: str) -> Mapping[str, int]:
    """Records of a topic: consumed by `group` as its batch rows say, plus in flight up to the head."""
    rows = await connection.fetch(CONSUMED, group, topic)
    consumed = {row["partition"]: row["records"] for row in rows}
    if heads is None:
        tops = {row["partition"]: row["head"] for row in await connection.fetch("select partition, head from bus.heads where topic = $1", topic)}
    else:
        tops = dict(await heads(topic))
    waiting = sum(max(0, head - consumed.get(partition, 0)) for partition, head in tops.items())
    return {"records": sum(consumed.values()) + waiting, "new": sum(row["new"] for row in rows)}


def _uneven(row: Any) -> Break:
    accounted = row["published"] + row["quarantined"] + row["refused"]
    return Break(K.DOOR, "receipt_uneven", Row("usage_ingest.receipts", {"receipt_id": row["receipt_id"], "source": row["source"]}),
                 str(row["received"]), f"{row['published']} + {row['quarantined']} + {row['refused']}",
                 f"receipt {row['receipt_id']} says {row['received']} were received and accounts for {accounted}; "
                 "compare the request's events with its producer's before anything else is billed from this source")


def _hour_off(row: Any) -> Break:
    return Break(K.DOOR, "hour_off", Row("usage_ingest.door_hours", {"source": row["source"], "hour": row["hour"]}),
                 str(row["receipts"]), str(row["hours"]),
                 "the hour is not the sum of its receipts: a receipt was deleted or altered; read usage.receipts again and compare")


def _unpublished(column: str, topic: str, promised: int, there: int) -> Break:
    return Break(K.DOOR, "receipts_exceed_bus", Row("usage_ingest.receipts", {"column": column, "topic": topic}), f"at most {there}", str(promised),
                 f"receipts promise {promised} {column} events, {topic} ever had {there}: acknowledged events are not on the bus; "
                 "find the receipts since the bus was last whole and have their producers send again")


def _quarantine(stored: int, new: int) -> Break:
    return Break(K.DOOR, "quarantine_row_missing", Row("usage_ingest.quarantine", {"rows": stored}), str(new), str(stored),
                 f"the batches brought {new} quarantined events and {stored} are stored; quarantined events are kept until they are repaired, "
                 "so restore the rest from usage.quarantine")
