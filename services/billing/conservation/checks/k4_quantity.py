"""K4, second half: quantities recomputed from raw stored events up to the watermark equal the statements,
segment by segment.

Left: rating.events minus rating.voids, measured here by the catalogue. Right: the segments of
rating.statements.
"""

from collections.abc import Sequence
from datetime import datetime

import asyncpg

from services.billing.conservation.checks.facts import (
    EVENTS,
    LAST_STATEMENTS,
    LAST_SUBJECTS,
    METER_VERSIONS,
    METERS_OF,
    TAKES,
    among,
    at,
    label,
    quantity,
    version_of,
)
from services.billing.conservation.checks.k4_admission import CROWDED, TURNED_AWAY
from services.billing.conservation.checks.listing import listed
from services.billing.conservation.domain.breaks import Break, Checked, K, Row

# A line is measured over the spans in which the versions the statement was priced by (no later ones) hold it,
# cut where its segments
# are cut. What falls outside every segment shows as `uncovered`. Without an entry in the watermark a
# partition had no usage yet.
# A final statement is measured as it was corrected last, over the subjects that covers; what another customer's final
# statement had before is measured there; what it took out counts here.
# `covered`: whose usage other customers' statements cover, found before any of those is read: mostly none is.
# What stands in `other` has none of the meter's dimensions, as pricing reads it.
# OFFSET 0 keeps the planner on the index (subject, type, time), however small the book. It takes `usage` for a row or
# two, and would look through the lines of all periods for each event: of a function it expects a thousand rows, and hashes.
STATEMENTS = f"""
    with {METER_VERSIONS}, {CROWDED},
    scope as (select * from unnest($1::text[], $2::timestamptz[]) as s (contract, period_start)),
    statement as materialized (
        select s.contract, s.period_start, p.period_end, s.final, s.revision, c.customer_id, s.watermark,
            s.document, s.run, s.taken_out, s.taken_out_of
        from scope join {LAST_STATEMENTS} s using (contract, period_start)
        join rating.periods p using (contract, period_start) join rating.contracts c using (contract)
    ),
    known as (
        select t.contract, t.period_start, t.period_end, v.version, v.effective_at, v.terms
        from statement t join rating.contract_versions v
            on v.contract = t.contract and v.version = any
                (array(select jsonb_array_elements_text(t.document -> 'contract_versions')::integer))
    ),
    stretch as (
        select k.contract, k.period_start, k.terms, greatest(k.effective_at, k.period_start) as begins,
               least(k.period_end, (select min(w.effective_at) from known w
                                    where w.contract = k.contract and w.period_start = k.period_start
                                        and w.version > k.version)) as ends
        from known k
    ),
    due as (
        select s.contract, s.period_start, line ->> 'key' as line_key, line ->> 'meter' as meter, s.begins,
            s.ends,
               {version_of("t", "(line ->> 'meter')")} as revision,
               array(select jsonb_array_elements_text(line #> '{{price,dimensions}}')
                   order by 1) as dimensions
        from stretch s join statement t using (contract, period_start)
            cross join lateral jsonb_array_elements(s.terms -> 'lines') line
        where line ->> 'kind' = 'usage' and s.begins < s.ends
    ),
    said as materialized (
        select t.contract, t.period_start, line ->> 'line_id' as line_id, line ->> 'key' as line_key,
            line ->> 'meter' as meter,
               to_timestamp(0) + (segment ->> 'start_us')::bigint * interval '1 microsecond' as begins,
               to_timestamp(0) + (segment ->> 'end_us')::bigint * interval '1 microsecond' as ends,
               coalesce(segment -> 'group', '{{}}') as grp, (segment ->> 'quantity')::numeric as quantity,
               coalesce((segment ->> 'converted')::numeric, (segment ->> 'quantity')::numeric) as units,
               (segment ->> 'allowance')::numeric as allowance, (segment ->> 'priced')::numeric
                   + coalesce((segment ->> 'unpriced')::numeric, 0) as priced
        from statement t
        cross join lateral jsonb_array_elements(coalesce(t.document -> 'lines', '[]')) line
        cross join lateral jsonb_array_elements(coalesce(line -> 'segments', '[]')) segment
        where line ->> 'kind' = 'usage'
    ),
    cut as (select distinct contract, period_start, line_key, begins, ends from said),
    whose as (
        select t.contract, t.period_start, k.subject, k.batches, own.out as voids_out,
            case when k.batches is null then own.out else k.taken_out end as out
        from statement t
            join {LAST_SUBJECTS} k using (contract, period_start, run)
            cross join lateral (select coalesce(t.taken_out_of -> k.subject, t.taken_out) as out) own where t.final
        union all
        select t.contract, t.period_start, s.subject, null, null, null from statement t
            join rating.subjects s using (customer_id) where not t.final
    ),
    covered as materialized (
        select k.contract, k.period_start, k.run, k.subject, k.batches, k.taken_out, c.customer_id
        from (select distinct w.subject, t.customer_id from whose w join statement t using (contract, period_start)
              where w.batches is null) s
        join {LAST_SUBJECTS} k using (subject)
        join rating.contracts c on c.contract = k.contract and c.customer_id <> s.customer_id
    ),
    elsewhere as materialized (
        select w.contract, w.period_start, w.subject, coalesce(k.batches, x.watermark) as watermark,
            case when k.batches is null then coalesce(x.taken_out_of -> k.subject, x.taken_out) else k.taken_out end
                as out,
            p.period_start as begins,
            p.period_end as ends,
               array({METERS_OF.format(s="x")}) as meters
        from whose w join statement t using (contract, period_start)
        join covered k on k.subject = w.subject and k.customer_id <> t.customer_id
        join {LAST_STATEMENTS} x on x.contract = k.contract and x.period_start = k.period_start
            and x.final and x.run = k.run and (not t.final or x.final_revision < t.revision)
        join rating.periods p on p.contract = k.contract and p.period_start = k.period_start
            and p.period_start < t.period_end and p.period_end > t.period_start
        where w.batches is null
    ),
    usage as materialized (
        select t.contract, t.period_start, e.subject, e.partition, e.batch_id, e.type, e.time, e.data
        from statement t
        join whose w using (contract, period_start)
        cross join lateral (
            select * from {EVENTS} e
            where e.subject = w.subject and e.type = any (array(select event_type from rating.meters))
              and e.time >= t.period_start and e.time < t.period_end
            offset 0
        ) e
        where e.batch_id <= coalesce((t.watermark ->> e.partition::text)::bigint, 0)
          and not {among("w.out", "e")}
          and (w.batches is null or e.batch_id <= coalesce((w.batches ->> e.partition::text)::bigint, 0))
          and not exists (select from rating.voids v
              where v.key = e.key and not {among("w.voids_out", "v")} and v.batch_id <= coalesce((t.watermark ->> v.partition::text)::bigint, 0))
    ),
    measured as (
        select e.contract, e.period_start, d.line_key, m.meter, m.aggregation, c.begins, c.ends, e.time,
               case when d.dimensions = '{{}}' then '{{}}'::jsonb else (
                   select jsonb_object_agg(dimension, case when turned.away then ''
                       else {label(at("string_to_array(dimension, '.')"))} end)
                   from unnest(d.dimensions) dimension) end as grp,
               case m.aggregation when 'count' then 1 when 'sum' then {quantity(at("m.field"))} end as value,
               case m.aggregation when 'unique' then {label(at("m.field"))} end as item
        from (select u.* from usage u cross join generate_series(1, (select 1)) offset 0) e
        join due d on d.contract = e.contract and d.period_start = e.period_start and e.time >= d.begins
            and e.time < d.ends
        join meter_version m on m.meter = d.meter and m.revision = d.revision and {TAKES}
        left join cut c on c.contract = e.contract and c.period_start = e.period_start
            and c.line_key = d.line_key
            and e.time >= c.begins and e.time < c.ends
        left join crowded w on w.meter = m.meter and w.meter_revision = m.counts_since
            and w.month = date_trunc('month', e.time, 'UTC')
        cross join lateral {TURNED_AWAY} turned
        where not exists (
            select from elsewhere x
            where x.contract = e.contract and x.period_start = e.period_start and x.subject = e.subject
                and m.meter = any (x.meters)
              and e.time >= x.begins and e.time < x.ends
                  and e.batch_id <= coalesce((x.watermark ->> e.partition::text)::bigint, 0)
                  and not {among("x.out", "e")})
    ),
    raw as (
        select contract, period_start, line_key, begins, ends, grp, count(*) as events,
               case aggregation when 'unique' then count(distinct nullif(item, ''))
                   else coalesce(sum(value), 0) end as quantity
        from measured group by contract, period_start, line_key, begins, ends, grp, aggregation
    ),
    unversioned as (select distinct contract, period_start, line_key from due where revision is null),
    compared as materialized (
        select contract, period_start, line_key, coalesce(raw.begins, said.begins) as begins,
            coalesce(raw.ends, said.ends) as ends, grp::text as grp,
               said.line_id, coalesce(raw.quantity, 0) as recomputed, coalesce(said.quantity, 0) as stated,
                   coalesce(said.units, 0) as units, said.allowance, said.priced,
               raw.line_key is not null and raw.begins is null as uncovered, raw.events
        from raw full join said using (contract, period_start, line_key, begins, ends, grp)
        union all
        select distinct d.contract, d.period_start, d.line_key, d.begins, d.ends, null, null, 0, 0, 0, 0, 0,
            true, 0
        from due d where not exists (
            select from said where said.contract = d.contract and said.period_start = d.period_start
                and said.line_key = d.line_key)
    ),
    off as materialized (
        select * from compared
        where (recomputed <> stated or units <> allowance + priced or uncovered)
          and (contract, period_start, line_key) not in (select contract, period_start, line_key
              from unversioned)
    )
    select null as contract, null::timestamptz as period_start, null as line_key, null::timestamptz as begins,
           null::timestamptz as ends, null as grp, null as line_id,
               (select count(*) from unversioned)::numeric as recomputed,
           null::numeric as stated, null::numeric as units, null::numeric as allowance,
           null::numeric as priced, false as uncovered, count(*) as events,
               (select count(*) from off) as rows_total
    from compared
    union all
    (select off.*, null from off order by contract, period_start, line_key, begins, grp limit $3)
"""
LINES = f"""
    select s.contract, s.period_start, line ->> 'line_id' as line_id, line ->> 'key' as line_key,
        (line ->> 'quantity')::numeric as quantity,
           summed.quantity as segments
    from unnest($1::text[], $2::timestamptz[]) as scope (contract, period_start)
    join {LAST_STATEMENTS} s using (contract, period_start)
    cross join lateral jsonb_array_elements(coalesce(s.document -> 'lines', '[]')) line
    cross join lateral (
        select coalesce(sum((segment ->> 'quantity')::numeric), 0) as quantity
        from jsonb_array_elements(coalesce(line -> 'segments', '[]')) segment
    ) summed
    where line ->> 'kind' = 'usage' and (line ->> 'quantity')::numeric <> summed.quantity
    order by contract, period_start, line_key, line_id
"""

# An open statement may lag behind what a person changed: an alias, a meter, its terms. Usage that came since is
# no reason to leave it out, as it is compared up to its own watermark; only where the events of before a new
# meter are still being added does it read a part of them. A final one never lags.
PENDING = """
    select s.contract, s.period_start from unnest($1::text[], $2::timestamptz[]) as scope
        (contract, period_start)
    join rating.statements s using (contract, period_start)
    join rating.periods p using (contract, period_start) join rating.contracts c using (contract)
    where not s.final and (
        exists (select from rating.stale a where a.contract = s.contract and a.period_start = s.period_start
            and not a.seldom)
        or exists (select from rating.meters m where not m.backfilled and s.document -> 'meters' ? m.meter
            and not exists (select from rating.series_read r where r.meter = m.meter))
        or exists (select from rating.subjects b join rating.marks m on m.subject = b.subject and m.at_once
            where b.customer_id = c.customer_id
                   and m.day >= (p.period_start at time zone 'UTC')::date
                       and m.day <= (p.period_end at time zone 'UTC')::date))
"""


async def quantities_of(
    connection: asyncpg.Connection, periods: Sequence[tuple[str, datetime]], listed_max: int | None = None
) -> Checked:
    """K4 of some contracts and periods: each segment of their statements up to its watermark, over the
    subjects it was final for.

    All breaks, or at most `listed_max` of each kind. Each line is measured by the version of its meter that
    the statement names. Open statements that wait for what a person changed are counted as
    `pending` and not compared; so are, as `unversioned`, lines priced before versions were kept by a meter
    that was changed since.
    """
    contracts, starts = [contract for contract, _ in periods], [start for _, start in periods]
    pending = {
        (row["contract"], row["period_start"]) for row in await connection.fetch(PENDING, contracts, starts)
    }
    ready = [place for place in periods if place not in pending]
    contracts, starts = [contract for contract, _ in ready], [start for _, start in ready]
    figure, *rows = await connection.fetch(STATEMENTS, contracts, starts, listed_max)
    lines = await listed(connection, LINES, contracts, starts, rows_max=listed_max)
    figures = {
        "segments": figure["events"],
        "pending": len(pending),
        "unversioned": int(figure["recomputed"]),
    }
    more = figure["rows_total"] - len(rows) + lines.more
    return Checked(K.QUANTITY, figures, (*map(_segment_off, rows), *map(_line_off, lines.rows)), more=more)


def _segment_off(row: asyncpg.Record) -> Break:
    where = Row(
        "rating.statements",
        {
            name: row[name]
            for name in ("contract", "period_start", "line_key", "line_id", "begins", "ends", "grp")
            if row[name] is not None
        },
    )
    if row["uncovered"]:
        fault, says = (
            "usage_not_stated",
            f"{row['events']} events of line {row['line_key']} lie in no segment of the statement; price it again",
        )
    elif row["recomputed"] != row["stated"]:
        fault = "segment_off"
        says = (
            f"the events up to the watermark make {row['recomputed']} of line {row['line_key']}, the statement says {row['stated']}; "
            "price it again, and if it is final issue a correction"
        )
    else:
        fault = "segment_split_off"
        says = f"the segment's allowance {row['allowance']} and priced units {row['priced']} are not its {row['units']} units; price it again"
    return Break(
        K.QUANTITY,
        fault,
        where,
        str(row["recomputed"]),
        str(row["stated"]),
        says,
        row["contract"],
        row["period_start"],
    )


def _line_off(row: asyncpg.Record) -> Break:
    where = Row(
        "rating.statements", {name: row[name] for name in ("contract", "period_start", "line_key", "line_id")}
    )
    return Break(
        K.QUANTITY,
        "line_off",
        where,
        str(row["segments"]),
        str(row["quantity"]),
        f"line {row['line_key']} says {row['quantity']}, its segments sum to {row['segments']}; price it again",
        row["contract"],
        row["period_start"],
    )
