"""K4, first half: quantities recomputed from raw stored events equal the aggregates as they stand.

Left: rating.events minus rating.voids, measured here by the catalogue and the admitted groups. Right:
usage_hours and usage_uniques, and usage_days against the hours. Both sides go into one hash aggregate with
opposite columns, which costs half of a join of two sorted aggregates.
"""

import json

import asyncpg

from services.billing.conservation.checks.facts import (
    AGGREGATES,
    EVENTS,
    GROUP,
    METERS,
    TAKES,
    at,
    label,
    quantity,
)
from services.billing.conservation.checks.k4_admission import ADMITTED, ANY_CROWDED, CROWDED, OTHER
from services.billing.conservation.checks.listing import listed
from services.billing.conservation.domain.breaks import Break, Checked, K, Row

TABLES = {kind: AGGREGATES[kind] for kind in ("hours", "uniques")}
#: What each table keeps of an event that meter `m` takes: a value, or an item; null adds nothing.
AGGREGATIONS = {"hours": "('count', 'sum')", "uniques": "('unique')"}
VALUES = {
    "hours": f"case m.aggregation when 'count' then 1 else {quantity(at('m.field'))} end",
    "uniques": "0",
}
ITEMS = {"hours": "''", "uniques": f"nullif({label(at('m.field'))}, '')"}

PLACED = """
        left join crowded c on c.meter = r.meter and c.meter_revision = r.counts_since
            and c.month = date_trunc('month', r.hour, 'UTC')
        left join admitted a
            on a.key = case when c.meter is not null
                then jsonb_build_array(r.subject, r.meter, r.counts_since, c.first_day, r.grp) end"""


def _differences(table: str, crowded: bool) -> str:
    """Where raw events and a table of aggregates differ: subject, meter, group, hour (and item). What no row
    admits is measured as `other`."""
    admission = f"{CROWDED}, {ADMITTED}," if crowded else ""
    group = (
        f"case when c.meter is not null and a.key is null then {OTHER}::jsonb else r.grp end"
        if crowded
        else "r.grp"
    )
    kept_value, kept_item = ("u.value", "''") if table == "hours" else ("0", "u.item")
    return f"""
    with {METERS}, {admission}
    measured as (
        select e.subject, m.meter, m.counts_since, {GROUP} as grp, date_trunc('hour', e.time, 'UTC') as hour,
               {ITEMS[table]} as item, {VALUES[table]} as value
        from {EVENTS} e join meter m on m.backfilled and m.aggregation in {AGGREGATIONS[table]} and {TAKES}
        where not exists (select from rating.voids v where v.key = e.key)
    ),
    pair as (
        select r.subject, r.meter, {group} as grp, r.hour, r.item, 1 as raw_events, r.value as raw_value,
            0 as kept_events, 0 as kept_value
        from measured r {PLACED if crowded else ""}
        where r.value is not null and r.item is not null
        union all
        select u.subject, u.meter, u.grp::jsonb, u.hour, {kept_item}, 0, 0, u.events, {kept_value}
        from {TABLES[table]} u join meter m on m.meter = u.meter and m.backfilled
    )
    select '{TABLES[table]}' as place, subject, meter, grp::text as grp, hour, item,
        sum(raw_events) as raw_events, sum(raw_value) as raw_value,
           sum(kept_events) as kept_events, sum(kept_value) as kept_value
    from pair group by subject, meter, grp, hour, item
    having sum(raw_events) <> sum(kept_events) or sum(raw_value) <> sum(kept_value)
    order by subject, meter, hour, grp, item"""


DAYS = f"""
    with rolled as (
        select subject, meter, grp, (hour at time zone 'UTC')::date as day, sum(events) as events,
            sum(value) as value
        from {AGGREGATES["hours"]} group by 1, 2, 3, 4
    )
    select subject, meter, grp, day, r.events as raw_events, r.value as raw_value, d.events as kept_events,
        d.value as kept_value
    from rolled r full join {AGGREGATES["days"]} d using (subject, meter, grp, day)
    where coalesce(r.events, 0) <> coalesce(d.events, 0) or coalesce(r.value, 0) <> coalesce(d.value, 0)
    order by subject, meter, day, grp
"""
COUNTED = (
    f"select {', '.join(f'(select count(*) from {table}) as {kind}' for kind, table in AGGREGATES.items())}"
)


async def aggregates(connection: asyncpg.Connection, listed_max: int | None) -> Checked:
    """K4 of all stored events, whatever contract they belong to; at most so many breaks of a table are
    listed."""
    [figures] = [dict(row) for row in await connection.fetch(COUNTED)]
    # the whole book is read: a look-up an event only loses
    await connection.execute("set local enable_nestloop = off")
    breaks: list[Break] = []
    more = 0
    crowded = bool(await connection.fetchval(ANY_CROWDED))
    for table in TABLES:
        off = await listed(connection, _differences(table, crowded), rows_max=listed_max)
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
        Row(AGGREGATES["days"], {name: row[name] for name in ("subject", "meter", "grp", "day")}),
        f"{row['raw_events'] or 0} events, {row['raw_value'] or 0}",
        f"{row['kept_events'] or 0} events, {row['kept_value'] or 0}",
        "the day is not the sum of its hours; recompute it",
    )
