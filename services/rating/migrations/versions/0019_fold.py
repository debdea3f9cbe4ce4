"""Aggregates are folded from deltas into rows packed by subject; usage_hours, usage_days and usage_uniques become views of them.

What was added up before stands beside them in tables of its own, in the same views, until rating has packed it.
"""

from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

FAR_PAST = "date '0001-01-02'"
SCALE_MAX = 12
UNITS = ", ".join(["1", *(f"0.{'0' * n}1" for n in range(SCALE_MAX))])

NAMES = f"""
alter table rating.usage_hours rename to old_usage_hours;
alter table rating.usage_days rename to old_usage_days;
alter table rating.usage_uniques rename to old_usage_uniques;
create table rating.usage_subjects (
    subject_no bigint generated always as identity primary key, subject text collate "C" not null,
    constraint usage_subjects_subject unique (subject)
);
create table rating.usage_series (
    series_no bigint generated always as identity primary key, meter text collate "C" not null, since bigint not null, grp text collate "C" not null,
    constraint usage_series_name unique (meter, since, grp)
);
create table rating.series_read (meter text collate "C" primary key, since bigint not null);
create table rating.usage_deltas (partition smallint, batch_id bigint, body bytea not null, primary key (partition, batch_id));
alter table rating.usage_deltas alter body set storage external, alter body set statistics 0;
create table rating.fold_state (
    one boolean primary key default true check (one), epoch bigint not null default 0, watermark jsonb not null default '{{}}',
    received_at timestamptz, newest_hour timestamptz, rolled_before date not null default {FAR_PAST}, rolling_before date not null default {FAR_PAST},
    rolling_subject bigint not null default 0, folded_at timestamptz not null default clock_timestamp()
) with (fillfactor = 10);
insert into rating.fold_state (watermark, received_at, newest_hour)
select coalesce(jsonb_object_agg(b.partition, b.batch_id), '{{}}'), (select max(received_at) from rating.newest_received),
    (select max(hour) from rating.old_usage_hours)
from (select partition, max(batch_id) as batch_id from bus.batches where grp = 'rating' and topic = 'usage.events' group by partition) b;
drop table rating.newest_received;
"""

# Rows up to a page stay in one piece; room on each page keeps the next version of a row on it (HOT).
PACKED = """
create table rating.usage_packed_{bucket}s (
    subject_no bigint, {bucket} {kind}, scale smallint not null check (scale between 0 and {scale_max}),
    series bigint[] not null, events bigint[] not null, vals bigint[], wide numeric[],
    primary key (subject_no, {bucket}),
    check ((vals is null) <> (wide is null) and cardinality(events) = cardinality(series)
        and coalesce(cardinality(vals), cardinality(wide)) = cardinality(series))
) with (fillfactor = 60, toast_tuple_target = 8160);
alter table rating.usage_packed_{bucket}s
    alter series set storage external, alter events set storage external, alter vals set storage external,
    alter series set statistics 0, alter events set statistics 0, alter vals set statistics 0, alter wide set statistics 0;
"""
ITEMS = """
create table rating.usage_items (
    subject_no bigint, series_no bigint, hour timestamptz, item text collate "C", events bigint not null,
    primary key (subject_no, series_no, hour, item)
) with (fillfactor = 80);
"""

# What was added up before is packed by rating, subject by subject. A meter whose events of before are still being added
# begins anew: what its job had added is not told apart from what batches had.
READABLE = """
insert into rating.series_read (meter, since)
select meter, counts_since from rating.meters where meter not in (select meter from rating.backfills where finished_at is null)
union all
select 'type:' || type, 0 from rating.event_types where type not in (select event_type from rating.meters);
update rating.backfills set cut = (select watermark from rating.fold_state), cursor_batch_id = default, cursor_seq = default
where finished_at is null;
"""

READ = "join rating.usage_series n on n.series_no = {of}.series_no join rating.series_read r on r.meter = n.meter and r.since = n.since"
UNPACKED = f"""
    cross join lateral unnest(p.series, p.events, p.vals, p.wide) as u (series_no, events, val, wide)
    join rating.usage_subjects s on s.subject_no = p.subject_no {READ.format(of="u")}"""
VALUE = f"coalesce(u.wide, u.val * (array[{UNITS}]::numeric[])[p.scale + 1])"
# Whose day is not rolled up: see tables.py. What the first condition asks is asked once, so that an index of hours answers it.
ROLLED = "::timestamp at time zone 'UTC'"
NOT_ROLLED_UP = f"""p.hour >= (select rolled_before{ROLLED} from rating.fold_state)
        and p.hour >= (case when p.subject_no <= f.rolling_subject then f.rolling_before else f.rolled_before end){ROLLED}"""
VIEWS = f"""
create view rating.usage_hours as
select s.subject, n.meter, n.grp, p.hour, u.events, {VALUE} as value
from rating.usage_packed_hours p {UNPACKED}
union all select subject, meter, grp, hour, events, value from rating.old_usage_hours join rating.series_read using (meter);
create view rating.usage_days as
select s.subject, n.meter, n.grp, p.day, u.events, {VALUE} as value
from rating.usage_packed_days p {UNPACKED}
union all
select s.subject, n.meter, n.grp, (p.hour at time zone 'UTC')::date as day, sum(u.events)::bigint as events, sum({VALUE}) as value
from rating.fold_state f join rating.usage_packed_hours p on {NOT_ROLLED_UP} {UNPACKED}
group by s.subject, n.meter, n.grp, (p.hour at time zone 'UTC')::date
union all select subject, meter, grp, day, events, value from rating.old_usage_days join rating.series_read using (meter);
create view rating.usage_uniques as
select s.subject, n.meter, n.grp, p.hour, p.item, p.events
from rating.usage_items p join rating.usage_subjects s on s.subject_no = p.subject_no {READ.format(of="p")}
union all select subject, meter, grp, hour, item, events from rating.old_usage_uniques join rating.series_read using (meter);
"""


def upgrade() -> None:
    op.execute(NAMES)
    for bucket, kind in (("hour", "timestamptz"), ("day", "date")):
        op.execute(PACKED.format(bucket=bucket, kind=kind, scale_max=SCALE_MAX))
    op.execute(ITEMS + READABLE + VIEWS)


def downgrade() -> None:
    raise NotImplementedError("usage is never added up twice; restore a backup instead")
