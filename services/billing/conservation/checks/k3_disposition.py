"""K3: every stored event is in exactly one bucket, and what is stored is what the batches called new.

Left: rating.events, put into buckets by the decision table of `facts`. Right: the batch rows' `new`, and
rating.event_keys.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

import asyncpg

from services.billing.conservation.checks.facts import BUCKET, EVENTS, facts_where
from services.billing.conservation.checks.k1_transport import Place
from services.billing.conservation.checks.listing import LISTED_MAX, listed
from services.billing.conservation.domain.breaks import Break, Checked, K, Row, merged
from services.billing.conservation.domain.dispositions import Bucket

GROUP_NAME, TOPIC = "rating", "usage.events"

# Added up where it lies: whose events are nobody's may be as many as there are events. Figures by bucket and, as a row
# without one, all that is stored; then the places in which the buckets do not sum to what is stored.
BUCKETS = f"""
    with {facts_where("true")},
    placed as materialized (
        select coalesce(customer_id, subject) as who, type, date_trunc('month', time, 'UTC') as month,
            {BUCKET} as bucket, count(*) as events
        from facts group by 1, 2, 3, 4
    ),
    stored as materialized (
        select coalesce(s.customer_id, e.subject) as who, e.type, date_trunc('month', e.time, 'UTC') as month,
            count(*) as events
        from {EVENTS} e left join rating.subjects s using (subject) group by 1, 2, 3
    ),
    uneven as (
        select who, type, month, coalesce(s.events, 0) as stored, coalesce(p.events, 0) as events
        from stored s full join (
            select who, type, month, sum(events) filter (where bucket is not null) as events
            from placed group by 1, 2, 3) p using (who, type, month)
        where coalesce(s.events, 0) <> coalesce(p.events, 0)
    )
    select null as who, null as type, null::timestamptz as month, coalesce(bucket, 'unclassified') as bucket,
        sum(events)::bigint as events, null::bigint as stored, 0 as rows_total
    from placed group by bucket
    union all
    select null, null, null, null, coalesce(sum(events), 0)::bigint, null, 0 from stored
    union all
    (select who, type, month, null, events::bigint, stored, count(*) over () from uneven order by 1, 2, 3 limit $1)
"""
KEYS = f"""
    select coalesce(k.key, e.key) as key, coalesce(k.batch_id, e.batch_id) as batch_id,
        coalesce(k.seq, e.seq) as seq,
           e.key is null as event_missing, k.key is null as key_missing, e.subject, e.source, e.id
    from rating.event_keys k full join {EVENTS} e on e.key = k.key and e.batch_id = k.batch_id
        and e.seq = k.seq
    where e.key is null or k.key is null
    order by 2, 3
"""
# The join on the batch keeps the planner on the index (batch_id, seq) when only the newest batches are asked
# for.
BATCHES = f"""
    with since as (select * from unnest($1::smallint[], $2::bigint[]) as s (partition, verified))
    select b.batch_id, b.partition, b.from_offset, b.to_offset, b.new, coalesce(e.events, 0) as events
    from bus.batches b
    left join since using (partition)
    left join lateral (select count(*) as events from {EVENTS} where batch_id = b.batch_id) e on true
    where b.grp = $3 and b.topic = $4 and b.from_offset >= coalesce(since.verified, 0)
        and b.new <> coalesce(e.events, 0)
    order by b.batch_id
"""
# Voids and conflicts are kept like events: as many as their batch says.
KEPT = """
    with told as (select batch_id, partition, {column} as said from bus.batches
        where grp = $1 and topic = $2 and {column} > 0),
    kept as (select batch_id, count(*) as rows from rating.{table} group by batch_id)
    select batch_id, partition, coalesce(said, 0) as said, coalesce(rows, 0) as rows
    from told full join kept using (batch_id) where coalesce(said, 0) <> coalesce(rows, 0) order by batch_id
"""
KEPT_TABLES = {"void": "voids", "conflict": "conflicts"}
WITHOUT_BATCH = f"""
    select batch_id, count(*) as events from {EVENTS} e
    where not exists (select from bus.batches b where b.batch_id = e.batch_id and b.grp = $1 and b.topic = $2)
    group by batch_id order by batch_id
"""
UNLINKED = """
    select v.source, v.id, k.batch_id, k.seq from rating.voids v join rating.event_keys k using (key)
    where (v.event_batch_id, v.event_seq) is distinct from (k.batch_id, k.seq) order by v.source, v.id
"""
# What was decided about late usage stands in an audit row of the call that decided it, word by word, with the batches it
# begins after and the subjects it is about (audit rows of before did not say them). A partition that the call did not name stays as it was decided
# before.
UNDECIDED = """
    select d.contract, d.period_start, d.sequence, d.decision, d.reason, d.after::text as after, d.up_to::text as up_to,
        d.subjects
    from rating.late_decisions d join rating.periods p using (contract, period_start)
    where not exists (select from rating.audit a
        where a.object = 'late_usage' and a.object_id = d.contract || '/' || p.start_date
            and a.after ->> 'decision' = d.decision and a.after ->> 'reason' = d.reason
            and coalesce(a.after -> 'after', d.after) = d.after
            and coalesce(a.after -> 'subjects', to_jsonb(d.subjects)) = to_jsonb(d.subjects)
            and not exists (select from jsonb_each(d.up_to) decided
                where decided.value is distinct from coalesce(a.after -> 'up_to' -> decided.key, d.after -> decided.key)))
    order by 1, 2, 3
"""
# The gate asks for a few contracts and periods: the index (subject, type, time), where OFFSET 0 keeps the
# planner, then one look-up an event.
UNKEYED = f"""
    with scope as (select * from unnest($1::text[], $2::timestamptz[]) as s (contract, period_start)),
    usage as materialized (
        select p.contract, p.period_start, e.key, e.batch_id, e.seq, e.source, e.id
        from scope
        join rating.periods p using (contract, period_start)
        join rating.contracts c using (contract)
        join lateral (
            select subject from rating.subjects where customer_id = c.customer_id
            union select subject from rating.closed_subjects k
                where k.contract = p.contract and k.period_start = p.period_start
        ) s on true
        cross join lateral (
            select * from {EVENTS} e
            where e.subject = s.subject and e.type = any (array(select event_type from rating.meters))
              and e.time >= p.period_start and e.time < p.period_end
            offset 0
        ) e
    )
    select distinct on (contract, period_start) u.*,
        count(*) over (partition by contract, period_start) as events
    from usage u left join rating.event_keys k on k.key = u.key and k.batch_id = u.batch_id and k.seq = u.seq
    where k.key is null order by contract, period_start, u.batch_id, u.seq
"""


async def disposition(connection: asyncpg.Connection, listed_max: int | None) -> Checked:
    """K3 over all stored events: one pass for the buckets, one full join with the keys, one count a batch."""
    rows = await connection.fetch(BUCKETS, listed_max)
    uneven = [row for row in rows if row["who"] is not None]
    summed = {row["bucket"] or "stored": row["events"] for row in rows if row["who"] is None}
    figures = {**dict.fromkeys(["stored", *Bucket], 0), **summed}
    figures["new"] = await connection.fetchval(
        "select coalesce(sum(new), 0)::bigint from bus.batches where grp = $1 and topic = $2",
        GROUP_NAME,
        TOPIC,
    )
    unpaired = await listed(connection, KEYS, rows_max=listed_max)
    strays = await listed(connection, WITHOUT_BATCH, GROUP_NAME, TOPIC, rows_max=listed_max)
    unlinked = await listed(connection, UNLINKED, rows_max=listed_max)
    undecided = await listed(connection, UNDECIDED, rows_max=listed_max)
    parts = [
        Checked(
            K.DISPOSITION,
            figures,
            (*map(_uneven, uneven), *map(_unpaired, unpaired.rows)),
            more=unpaired.more + (uneven[0]["rows_total"] - len(uneven) if uneven else 0),
        ),
        await stored_is_new(connection, listed_max=listed_max),
        Checked(K.DISPOSITION, {}, tuple(map(_without_batch, strays.rows)), more=strays.more),
        *[await _kept(connection, column, table, listed_max) for column, table in KEPT_TABLES.items()],
        Checked(K.DISPOSITION, {}, tuple(map(_unlinked, unlinked.rows)), more=unlinked.more),
        Checked(K.DISPOSITION, {}, tuple(map(_undecided, undecided.rows)), more=undecided.more),
    ]
    return merged(parts)


async def stored_is_new(
    connection: asyncpg.Connection,
    since: Mapping[Place, int] | None = None,
    *,
    listed_max: int | None = LISTED_MAX,
) -> Checked:
    """Batches whose `new` is not what is stored of them; with `since` (as in K1) only the newer ones are
    looked at."""
    verified = {
        place[2]: offset for place, offset in (since or {}).items() if place[:2] == (GROUP_NAME, TOPIC)
    }
    short = await listed(
        connection, BATCHES, list(verified), list(verified.values()), GROUP_NAME, TOPIC, rows_max=listed_max
    )
    return Checked(K.DISPOSITION, {}, tuple(map(_short, short.rows)), more=short.more)


async def disposition_of(
    connection: asyncpg.Connection, periods: Sequence[tuple[str, datetime]]
) -> list[Break]:
    """K3 of the usage of some contracts and periods: stored events that are not in the truth of
    deduplication, one break a period."""
    rows = await connection.fetch(
        UNKEYED, [contract for contract, _ in periods], [start for _, start in periods]
    )
    return [_unkeyed_period(row) for row in rows]


async def _kept(connection: asyncpg.Connection, column: str, table: str, listed_max: int | None) -> Checked:
    off = await listed(
        connection, KEPT.format(column=column, table=table), GROUP_NAME, TOPIC, rows_max=listed_max
    )
    return Checked(K.DISPOSITION, {}, tuple(_not_kept(row, column, table) for row in off.rows), more=off.more)


def _uneven(row: asyncpg.Record) -> Break:
    """Exhaustive and disjoint: for every customer or subject, type and month the buckets sum to what is
    stored."""
    return Break(
        K.DISPOSITION,
        "buckets_uneven",
        Row(
            "rating.events",
            {"customer or subject": row["who"], "type": row["type"], "month": row["month"]},
        ),
        str(row["stored"]),
        str(row["events"]),
        "the decision table counts these events more or less than once; two contracts' terms or two subjects' customers contradict each other",
    )


def _unpaired(row: asyncpg.Record) -> Break:
    if row["key_missing"]:
        return _unkeyed(row)
    return Break(
        K.DISPOSITION,
        "event_missing",
        Row("rating.events", {"batch_id": row["batch_id"], "seq": row["seq"], "key": row["key"]}),
        "the event",
        "none",
        f"event {row['seq']} of batch {row['batch_id']} was accepted as new and is not stored: it was deleted; "
        "restore it from the bus (usage.events, the batch's offsets) or from a backup",
    )


def _unkeyed(row: asyncpg.Record) -> Break:
    return Break(
        K.DISPOSITION,
        "event_unkeyed",
        Row("rating.event_keys", {"key": row["key"], "source": row["source"], "id": row["id"]}),
        f"key of batch {row['batch_id']}, seq {row['seq']}",
        "none, or of another event",
        f"event {row['id']} of {row['source']} is stored and its key is not its own: it may be stored twice; "
        "compare the two and remove the later one by a named correction",
    )


def _unkeyed_period(row: asyncpg.Record) -> Break:
    """The first of a period's events without a key of their own, and how many there are."""
    first = _unkeyed(row)
    says = (
        first.says
        if row["events"] == 1
        else f"{row['events']} events of the period have no key of their own; the first: {first.says}"
    )
    return replace(first, says=says, contract=row["contract"], period_start=row["period_start"])


def _short(row: asyncpg.Record) -> Break:
    return Break(
        K.DISPOSITION,
        "batch_not_stored",
        Row(
            "bus.batches",
            {
                "batch_id": row["batch_id"],
                "partition": row["partition"],
                "from_offset": row["from_offset"],
                "to_offset": row["to_offset"],
            },
        ),
        str(row["new"]),
        str(row["events"]),
        f"batch {row['batch_id']} brought {row['new']} new events and {row['events']} are stored; "
        f"read offsets {row['from_offset']} to {row['to_offset'] - 1} of {TOPIC}/{row['partition']} and restore what is missing",
    )


def _not_kept(row: asyncpg.Record, column: str, table: str) -> Break:
    return Break(
        K.DISPOSITION,
        f"{column}_missing",
        Row(f"rating.{table}", {"batch_id": row["batch_id"]}),
        str(row["said"]),
        str(row["rows"]),
        f"batch {row['batch_id']} brought {row['said']} {table} and {row['rows']} are kept; "
        f"read its offsets of {TOPIC} again and restore the rest",
    )


def _without_batch(row: asyncpg.Record) -> Break:
    return Break(
        K.DISPOSITION,
        "events_without_batch",
        Row("bus.batches", {"batch_id": row["batch_id"]}),
        "a batch row",
        f"{row['events']} events",
        f"{row['events']} stored events name batch {row['batch_id']}, which no batch row accounts for; see K1",
    )


def _undecided(row: asyncpg.Record) -> Break:
    return Break(
        K.DISPOSITION,
        "waiver_without_decision",
        Row(
            "rating.late_decisions",
            {name: row[name] for name in ("contract", "period_start", "sequence")},
        ),
        "an audit row that says the same",
        "none",
        f"nobody decided to {row['decision']} late usage of {len(row['subjects'])} subjects after {row['after']} up to "
        f"{row['up_to']} ({row['reason']}): the decision was forged, "
        "or its audit row is gone; find who wrote it, and decide anew",
    )


def _unlinked(row: asyncpg.Record) -> Break:
    return Break(
        K.DISPOSITION,
        "void_unlinked",
        Row("rating.voids", {"source": row["source"], "id": row["id"]}),
        f"its event, batch {row['batch_id']} seq {row['seq']}",
        "another, or none",
        f"the void of {row['id']} does not point to the event it voids, so the aggregates may still hold it; recompute that hour",
    )
