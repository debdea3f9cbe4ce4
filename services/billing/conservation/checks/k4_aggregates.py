"""K4, first half: quantities recomputed from raw stored events equal the aggregates as they stand.

Left: rating.events minus rating.voids, as far as the fold of this snapshot has come, measured here by the
catalogue and the admitted groups. Right: the packed hours and the items, unpacked here; and the rolled-up days
against the hours. Both sides go into one hash aggregate with opposite columns, which costs half of a join of
two sorted aggregates.
"""

import json

import asyncpg

from services.billing.conservation.checks.facts import (
    AGGREGATES,
    EVENTS,
    FOLDED,
    GROUP,
    METER_VERSIONS,
    METERS,
    OLD_DAYS,
    OLD_HOURS,
    OLD_ITEMS,
    PACKED_DAYS,
    PACKED_HOURS,
    PACKED_ITEMS,
    TAKES,
    at,
    label,
    quantity,
)
from services.billing.conservation.checks.k4_admission import ADMITTED, ANY_CROWDED, CROWDED, OTHER
from services.billing.conservation.checks.listing import listed
from services.billing.conservation.domain.breaks import Break, Checked, K, Row

#: The table that a row of each kind is missing from, and that of before the fold.
PLACES = {
    "hours": (PACKED_HOURS, OLD_HOURS),
    "uniques": (PACKED_ITEMS, OLD_ITEMS),
    "days": (PACKED_DAYS, OLD_DAYS),
}
#: What each kind keeps of an event that meter `m` takes: a value, or an item; null adds nothing.
AGGREGATIONS = {"hours": "('count', 'sum')", "uniques": "('unique')"}
VALUES = {
    "hours": f"case m.aggregation when 'count' then 1 else {quantity(at('m.field'))} end",
    "uniques": "0",
}
ITEMS = {"hours": "''", "uniques": f"nullif({label(at('m.field'))}, '')"}

#: CTE after METERS and METER_VERSIONS. Each meter as readers see it: by its terms or, while what is stored is added up
#: by those, by the version before. A new meter whose events of before are still being added is not seen.
SEEN = """
    seen as materialized (
        select meter, counts_since, event_type, aggregation, field, filters, dimensions, first_path, second_path
        from meter where backfilled
        union all
        (select distinct on (v.meter) v.meter, v.counts_since, v.event_type, v.aggregation, v.field, v.filters,
            v.dimensions, v.first_path, v.second_path
        from meter_version v join meter m on m.meter = v.meter and not m.backfilled
        join rating.series_read r on r.meter = v.meter and r.since = v.counts_since
        order by v.meter, v.revision desc)
    )"""

PLACED = """
        left join crowded c on c.meter = r.meter and c.meter_revision = r.counts_since
            and c.month = date_trunc('month', r.hour, 'UTC')
        left join admitted a
            on a.key = case when c.meter is not null
                then jsonb_build_array(r.subject, r.meter, r.counts_since, c.first_day, r.grp) end"""


def _place(kind: str) -> str:
    """SQL: the table a group of rows lies in."""
    packed, old = PLACES[kind]
    return f"case when bool_or(old) then '{old}' else '{packed}' end"


def _differences(kind: str, crowded: bool) -> str:
    """Where folded raw events and a kind of aggregate differ: subject, meter, group, hour (and item). What no
    row admits is measured as `other`."""
    admission = f"{CROWDED}, {ADMITTED}," if crowded else ""
    group = (
        f"case when c.meter is not null and a.key is null then {OTHER}::jsonb else r.grp end"
        if crowded
        else "r.grp"
    )
    kept_value, kept_item = ("u.value", "''") if kind == "hours" else ("0", "u.item")
    return f"""
    with {METERS}, {METER_VERSIONS}, {SEEN}, {FOLDED}, {admission}
    measured as (
        select e.subject, m.meter, m.counts_since, {GROUP} as grp, date_trunc('hour', e.time, 'UTC') as hour,
               {ITEMS[kind]} as item, {VALUES[kind]} as value
        from {EVENTS} e join folded w on w.partition = e.partition and e.batch_id <= w.batch_id
            join seen m on m.aggregation in {AGGREGATIONS[kind]} and {TAKES}
        where not exists (
            select from rating.voids v join folded w on w.partition = v.partition and v.batch_id <= w.batch_id
            where v.key = e.key)
    ),
    pair as (
        select r.subject, r.meter, {group} as grp, r.hour, r.item, false as old, 1 as raw_events,
            r.value as raw_value, 0 as kept_events, 0 as kept_value
        from measured r {PLACED if crowded else ""}
        where r.value is not null and r.item is not null
        union all
        select u.subject, u.meter, u.grp::jsonb, u.hour, {kept_item}, u.old, 0, 0, u.events, {kept_value}
        from {AGGREGATES[kind]} u join seen m on m.meter = u.meter
    )
    select {_place(kind)} as place, subject, meter, grp::text as grp, hour, item,
        sum(raw_events) as raw_events, sum(raw_value) as raw_value,
           sum(kept_events) as kept_events, sum(kept_value) as kept_value
    from pair group by subject, meter, grp, hour, item
    having sum(raw_events) <> sum(kept_events) or sum(raw_value) <> sum(kept_value)
    order by subject, meter, hour, grp, item"""


DAYS = f"""
    with pair as (
        select subject, meter, grp, (hour at time zone 'UTC')::date as day, false as old,
            events as raw_events, value as raw_value, 0 as kept_events, 0 as kept_value
        from {AGGREGATES["rolled"]} h
        union all
        select subject, meter, grp, day, old, 0, 0, events, value from {AGGREGATES["days"]} d
    )
    select {_place("days")} as place, subject, meter, grp, day, sum(raw_events) as raw_events,
        sum(raw_value) as raw_value, sum(kept_events) as kept_events, sum(kept_value) as kept_value
    from pair group by subject, meter, grp, day
    having sum(raw_events) <> sum(kept_events) or sum(raw_value) <> sum(kept_value)
    order by subject, meter, day, grp
"""
COUNTED = f"""
    select
        (select coalesce(sum(cardinality(series)), 0) from {PACKED_HOURS})::bigint
            + (select count(*) from {OLD_HOURS}) as hours,
        (select coalesce(sum(cardinality(series)), 0) from {PACKED_DAYS})::bigint
            + (select count(*) from {OLD_DAYS}) as days,
        (select count(*) from {PACKED_ITEMS}) + (select count(*) from {OLD_ITEMS}) as uniques
"""


async def aggregates(connection: asyncpg.Connection, listed_max: int | None) -> Checked:
    """K4 of all stored events, whatever contract they belong to; at most so many breaks of a table are
    listed."""
    [figures] = [dict(row) for row in await connection.fetch(COUNTED)]
    # the whole book is read: a look-up an event only loses
    await connection.execute("set local enable_nestloop = off")
    breaks: list[Break] = []
    more = 0
    crowded = bool(await connection.fetchval(ANY_CROWDED))
    for kind in ("hours", "uniques"):
        off = await listed(connection, _differences(kind, crowded), rows_max=listed_max)
        breaks, more = breaks + [_aggregate_off(row) for row in off.rows], more + off.more
    days = await listed(connection, DAYS, rows_max=listed_max)
    await connection.execute("set local enable_nestloop = on")
    return Checked(K.QUANTITY, figures, (*breaks, *map(_day_off, days.rows)), more=more + days.more)


def _aggregate_off(row: asyncpg.Record) -> Break:
    key = {
        "subject": row["subject"],
        "meter": row["meter"],
        "grp": _canonical(row["grp"]),
        "hour": row["hour"],
    }
    key |= {"item": row["item"]} if row["item"] else {}
    expected, found = (
        f"{row[f'{side}_events']} events" + ("" if row["item"] else f", {row[f'{side}_value']}")
        for side in ("raw", "kept")
    )
    return Break(
        K.QUANTITY,
        "aggregate_off",
        Row(row["place"], key),
        expected,
        found,
        f"the stored events of {row['subject']} make {expected} of {row['meter']} in this hour, the aggregate says {found}: "
        "an event was lost or counted twice on the way; recompute the hour from its events",
    )


def _canonical(group: str) -> str:
    """The group as metering writes it: no spaces, keys in order."""
    return json.dumps(json.loads(group), separators=(",", ":"), sort_keys=True, ensure_ascii=False)


def _day_off(row: asyncpg.Record) -> Break:
    return Break(
        K.QUANTITY,
        "day_off",
        Row(row["place"], {name: row[name] for name in ("subject", "meter", "grp", "day")}),
        f"{row['raw_events']} events, {row['raw_value']}",
        f"{row['kept_events']} events, {row['kept_value']}",
        "the day is not the sum of its hours; recompute it",
    )
