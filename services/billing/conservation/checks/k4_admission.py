"""Which groups count as themselves, as the checker reads it: where a row of rating.admitted_groups says so;
everything else is `other`.

A row of the subject '' stands for every subject, until the meter's month has a row ('', other): from there on
subjects have rows of their own. Checked here: each row is explained by room or by a name, and nothing is
counted as a group that no row admits.
"""

import asyncpg

from services.billing.conservation.checks.facts import AGGREGATES, at, label
from services.billing.conservation.checks.listing import listed
from services.billing.conservation.domain.breaks import Break, Checked, K, Row

OTHER = """'{"other":"true"}'"""
#: Whether any month is crowded; where none is, every group counts as itself.
ANY_CROWDED = f"select exists (select from rating.admitted_groups where subject = '' and grp = {OTHER})"

#: CTE. The months in which each subject has rows of its own, by the revision since which a meter counts as it
#: does.
CROWDED = f"""
    crowded as materialized (
        select meter, meter_revision, month as first_day, month::timestamp at time zone 'UTC' as month
        from rating.admitted_groups where subject = '' and grp = {OTHER}
    )"""
#: CTE after CROWDED: what is admitted in those months, by one key: of several columns the planner would join
#: by the first that suits it.
ADMITTED = f"""
    admitted as materialized (
        select jsonb_build_array(a.subject, a.meter, a.meter_revision, a.month, a.grp::jsonb) as key
        from crowded c join rating.admitted_groups a on a.meter = c.meter
            and a.meter_revision = c.meter_revision and a.month = c.first_day
        where a.subject <> '' and a.grp <> {OTHER}
    )"""
#: The group of event `e` on meter `m` as a row has it: keys in order, no spaces.
_TEXT = f"""(select '{{' || string_agg(to_json(dimension)::text || ':' || to_json({label(at("string_to_array(dimension, '.')"))})::text, ','
        order by dimension collate "C") || '}}' from unnest(m.dimensions) dimension)"""
#: Lateral: whether event `e` on meter `m` stands in `other`; `w` is the crowded month it lies in, or nothing.
#: One look-up in the key of the
#: rows; OFFSET 0 keeps the text from being made again for each of a subject's rows.
TURNED_AWAY = f"""(
    select w.meter is not null and not exists (
        select from rating.admitted_groups a
        where a.meter = w.meter and a.meter_revision = w.meter_revision and a.month = w.first_day
            and a.subject = e.subject and a.grp = own.grp
    ) as away
    from (select case when w.meter is not null then {_TEXT} end collate "C" as grp offset 0) own offset 0)"""

# Unnamed groups have a row each while there is room: as many as the widest limit there ever was. The newest
# row stands for what is beyond it.
UNEXPLAINED = f"""
    with room as (select coalesce(max(groups_max), 0) as groups_max from rating.group_limits),
    full_up as materialized (
        select meter, meter_revision, month, subject from rating.admitted_groups where grp <> {OTHER}
        group by 1, 2, 3, 4 having count(*) > (select groups_max from room)
    )
    select a.meter, a.meter_revision, a.month, a.subject, room.groups_max, count(*) as groups,
           (array_agg(a.grp order by a.since_batch desc, a.grp desc))[1] as grp
    from full_up f join rating.admitted_groups a using (meter, meter_revision, month, subject) cross join room
    where a.grp <> {OTHER} and not exists (
        select from jsonb_each_text(a.grp::jsonb) pair
        join rating.named_values n on n.meter = a.meter and n.dimension = pair.key and n.value = pair.value)
    group by 1, 2, 3, 4, 5 having count(*) > room.groups_max
    order by 1, 2, 3, 4
"""
# In crowded months what is counted without a row differs from its events; elsewhere only this would show it.
UNADMITTED = f"""
    with {CROWDED},
    counted as (
        select u.meter, u.since as meter_revision, u.grp, (date_trunc('month', u.hour, 'UTC') at time zone 'UTC')::date as month
        from {AGGREGATES["hours"]} u where u.grp not in ('{{}}', {OTHER})
        union
        select u.meter, u.since, u.grp, (date_trunc('month', u.hour, 'UTC') at time zone 'UTC')::date
        from {AGGREGATES["uniques"]} u where u.grp not in ('{{}}', {OTHER})
    )
    select u.meter, u.meter_revision, u.month, u.grp from counted u
    where not exists (
        select from crowded c where c.meter = u.meter and c.meter_revision = u.meter_revision
            and c.first_day = u.month) and not exists (
        select from rating.admitted_groups a
        where (a.meter, a.meter_revision, a.month, a.subject, a.grp) =
            (u.meter, u.meter_revision, u.month, '', u.grp))
    order by 1, 3, 4
"""


async def admission(connection: asyncpg.Connection, listed_max: int | None) -> Checked:
    """K4, what it rests on: the rows of admitted groups, each with a reason, and none missing."""
    unexplained = await listed(connection, UNEXPLAINED, rows_max=listed_max)
    unadmitted = await listed(connection, UNADMITTED, rows_max=listed_max)
    breaks = (*map(_unexplained, unexplained.rows), *map(_unadmitted, unadmitted.rows))
    return Checked(K.QUANTITY, {}, breaks, more=unexplained.more + unadmitted.more)


def _unexplained(row: asyncpg.Record) -> Break:
    where = Row(
        "rating.admitted_groups",
        {name: row[name] for name in ("meter", "meter_revision", "month", "subject", "grp")},
    )
    whose = f"subject {row['subject']}" if row["subject"] else "every subject"
    return Break(
        K.QUANTITY,
        "admission_unexplained",
        where,
        f"at most {row['groups_max']} groups without a name",
        str(row["groups"]),
        f"{row['groups']} groups of meter {row['meter']} are admitted for {whose} in {row['month']:%Y-%m} that no contract names, "
        f"and there was room for {row['groups_max']}: rows were written past metering; remove those that nothing is counted in, "
        "or name their values in a price",
    )


def _unadmitted(row: asyncpg.Record) -> Break:
    where = Row(
        "rating.admitted_groups",
        {
            **{name: row[name] for name in ("meter", "meter_revision", "month")},
            "subject": "",
            "grp": row["grp"],
        },
    )
    return Break(
        K.QUANTITY,
        "admission_missing",
        where,
        "a row",
        "none",
        f"usage of meter {row['meter']} is counted as {row['grp']} in {row['month']:%Y-%m} and no row admits that group: "
        "the row was deleted, and once the month is crowded its usage would fall into `other`; insert the row",
    )
