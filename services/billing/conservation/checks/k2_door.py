"""K2: what each request brought is published, quarantined or refused; what was published is taken, and
nothing stands still on the way.

Left: usage_ingest.receipts, and their sums by hour where retention has taken them (the view receipts_said).
Right: what became of it (`taken`, with `set_aside` and `in_flight`), the batch rows and heads of
usage.quarantine, and usage_ingest.quarantine. A receipt is written after its events, so receipts never
promise more than the bus has; a kill -9 may lose a receipt, never an event.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import asyncpg

from services.billing.conservation.checks.k2_in_flight import TOPIC, in_flight
from services.billing.conservation.checks.k2_set_aside import set_aside
from services.billing.conservation.checks.k2_taken import UNEVEN as SOURCES_UNEVEN
from services.billing.conservation.checks.k2_taken import compared, receipts_exceed_bus, uneven
from services.billing.conservation.checks.listing import LISTED_MAX, listed
from services.billing.conservation.checks.log import log_of
from services.billing.conservation.domain.breaks import Break, Checked, K, Row
from shared.bus import Log
from shared.values.money import Money

UNEVEN = """
    select receipt_id, key_id, source, received_at, received, published, quarantined, refused
    from usage_ingest.receipts where received <> published + quarantined + refused
    order by received_at
"""
RECEIPTS = """
    select coalesce(sum(receipts), 0)::bigint as receipts, coalesce(sum(received), 0)::bigint as received,
           coalesce(sum(published), 0)::bigint as published,
               coalesce(sum(quarantined), 0)::bigint as quarantined,
           coalesce(sum(refused), 0)::bigint as refused
    from usage_ingest.receipts_said
"""
CONSUMED = """
    select partition, sum(to_offset - from_offset)::bigint as records, sum(new)::bigint as new
    from bus.batches where grp = $1 and topic = $2 group by partition
"""
# The hours are added up in the transaction that stores the receipts; receipts of usage.raw name their
# offsets, its hours only the topic.
# Whose receipts retention takes are compared no more: their hours are all that is left of them.
HOURS_OFF = """
    with received as (
        select source, hour, count(*) as receipts, sum(received) as received, sum(published) as published,
            sum(quarantined) as quarantined,
               sum(refused) as refused
        from usage_ingest.receipts where hour >= (select since from usage_ingest.receipts_kept)
            group by source, hour
    ),
    kept as (
        select source, hour, sum(receipts) as receipts, sum(received) as received,
            sum(published) as published, sum(quarantined) as quarantined,
               sum(refused) as refused
        from usage_ingest.door_hours where hour >= (select since from usage_ingest.receipts_kept)
            group by source, hour
    )
    select source, hour, to_jsonb(r) - 'source' - 'hour' as receipts, to_jsonb(k) - 'source' - 'hour' as hours
    from received r full join kept k using (source, hour)
    where (r.receipts, r.received, r.published, r.quarantined, r.refused)
        is distinct from (k.receipts, k.received, k.published, k.quarantined, k.refused)
    order by hour, source
"""
HOURS = """
    select key_id, source, hour, sum(received)::bigint as received, sum(published)::bigint as published,
           sum(quarantined)::bigint as quarantined, sum(refused)::bigint as refused
    from usage_ingest.receipts_said where hour >= $1 and hour < $2 {narrowed}
    group by key_id, source, hour order by hour, key_id, source limit $3
"""
# What metering quarantined is told through rating's outbox, so until it is stored it waits there, on the bus,
# or set aside.
QUARANTINED = """
    select (select count(*) from usage_ingest.quarantine where octet_length(raw) <= $1) as stored,
           (select count(*) from usage_ingest.quarantine where by = 'metering') as by_metering,
           (select coalesce(sum(quarantined), 0)::bigint from bus.batches
               where grp = 'rating' and topic = 'usage.events') as metering,
           (select count(*) from rating.outbox where topic = 'usage.quarantine') as untold
"""
# a larger record of usage.raw fits no message: the door stores it without usage.quarantine
TOLD_MAX_BYTES = 512 * 1024
STORE, QUARANTINE = "usage_ingest", "usage.quarantine"
#: An hour, key id and source, in the order in which hours are listed.
HourPlace = tuple[datetime, str, str]


@dataclass(frozen=True, slots=True)
class Hour:
    """What a key brought from a source in an hour: received = published + quarantined + refused."""

    key_id: str
    source: str
    hour: datetime
    received: int
    published: int
    quarantined: int
    refused: int


async def door(
    connection: asyncpg.Connection, log: Log | None = None, *, listed_max: int | None = LISTED_MAX
) -> Checked:
    """K2 over all receipts. `log`: the bus's own, where it is not the Postgres log. Raises BusUnavailable."""
    of = log_of(connection, log)
    [receipts] = await connection.fetch(RECEIPTS)
    totals: dict[str, int] = dict(receipts)
    aside, flight = await set_aside(connection), await in_flight(connection, of)
    comparison = await compared(connection, aside, flight)
    totals |= comparison.figures | {f"on_{TOPIC}": sum((await of.heads(TOPIC)).values())}
    waiting = [*flight.breaks(), *aside.breaks()]
    breaks = [*comparison.breaks, *waiting[:listed_max]]
    more = len(comparison.breaks) + len(waiting) - len(breaks)
    for question, named in ((UNEVEN, _uneven), (SOURCES_UNEVEN, uneven), (HOURS_OFF, _hour_off)):
        found = await listed(connection, question, rows_max=listed_max)
        breaks, more = breaks + [named(row) for row in found.rows], more + found.more
    quarantined = await _quarantined(connection, of, totals, aside.of(STORE, QUARANTINE))
    return Checked(K.DOOR, totals, (*breaks, *quarantined), amounts=_amounts(waiting), more=more)


async def hours(
    connection: asyncpg.Connection, start: datetime, end: datetime, after: HourPlace | None, rows_max: int
) -> list[Hour]:
    """By hour, key and source, after this one."""
    narrowed = "" if after is None else "and (hour, key_id, source) > ($4, $5, $6)"
    rows = await connection.fetch(HOURS.format(narrowed=narrowed), start, end, rows_max, *(after or ()))
    return [Hour(**row) for row in rows]


async def _quarantined(
    connection: asyncpg.Connection,
    log: Log,
    totals: dict[str, int],
    aside: tuple[Mapping[str, int], Mapping[str, int]],
) -> list[Break]:
    """The breaks between receipts, metering's batch rows, usage.quarantine and what is stored; adds their
    figure to `totals`."""
    [row] = await connection.fetch(QUARANTINED, TOLD_MAX_BYTES)
    consumed = await connection.fetch(CONSUMED, STORE, QUARANTINE)
    taken = {of["partition"]: of["records"] for of in consumed}
    waiting = sum(
        max(0, head - taken.get(partition, 0)) for partition, head in (await log.heads(QUARANTINE)).items()
    )
    records, new = sum(taken.values()) + waiting, sum(of["new"] for of in consumed)
    totals[f"on_{QUARANTINE}"] = records
    by_door = records - row["by_metering"]
    lost = sum(aside[0].values()) + sum(aside[1].values())
    promised = totals["quarantined"]
    breaks = [receipts_exceed_bus("quarantined", promised, QUARANTINE, by_door)] if promised > by_door else []
    if row["stored"] != new:
        breaks.append(_quarantine(row["stored"], new))
    if not row["by_metering"] <= row["metering"] <= row["by_metering"] + row["untold"] + waiting + lost:
        breaks.append(_by_metering(row["by_metering"], row["metering"], row["untold"] + waiting + lost))
    return breaks


def _amounts(breaks: list[Break]) -> dict[str, dict[str, int]]:
    """Currency → what waits in each kind of break, at list price."""
    sums: dict[str, dict[str, int]] = {}
    for found in breaks:
        for money in found.worth:
            _add(sums.setdefault(money.currency.code, {}), found.fault, money)
    return sums


def _add(of: dict[str, int], fault: str, money: Money) -> None:
    of[fault] = of.get(fault, 0) + money.minor


def _uneven(row: asyncpg.Record) -> Break:
    accounted = row["published"] + row["quarantined"] + row["refused"]
    return Break(
        K.DOOR,
        "receipt_uneven",
        Row("usage_ingest.receipts", {"receipt_id": row["receipt_id"], "source": row["source"]}),
        str(row["received"]),
        f"{row['published']} + {row['quarantined']} + {row['refused']}",
        f"receipt {row['receipt_id']} says {row['received']} were received and accounts for {accounted}; "
        "compare the request's events with its producer's before anything else is billed from this source",
    )


def _hour_off(row: asyncpg.Record) -> Break:
    return Break(
        K.DOOR,
        "hour_off",
        Row("usage_ingest.door_hours", {"source": row["source"], "hour": row["hour"]}),
        str(row["receipts"]),
        str(row["hours"]),
        "the hour is not the sum of its receipts: a receipt was deleted or altered; read usage.receipts again and compare",
    )


def _quarantine(stored: int, new: int) -> Break:
    return Break(
        K.DOOR,
        "quarantine_row_missing",
        Row("usage_ingest.quarantine", {"rows": stored}),
        str(new),
        str(stored),
        f"the batches brought {new} quarantined events and {stored} are stored; quarantined events are kept until they are repaired, "
        "so restore the rest from usage.quarantine",
    )


def _by_metering(stored: int, counted: int, under_way: int) -> Break:
    where = Row("usage_ingest.quarantine", {"by": "metering"})
    return Break(
        K.DOOR,
        "metering_quarantine_off",
        where,
        f"{counted}, less at most {under_way} under way",
        str(stored),
        f"metering's batches say that {counted} events were quarantined; {stored} of them are stored and {under_way} may be under way: "
        "restore the rest from usage.quarantine, or from the batches' offsets of usage.events",
    )
