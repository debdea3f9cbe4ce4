"""Catalogue (meters, plans), customers, metering, and the standard tables of a service."""

from alembic import op

from shared.db.tables import standard_tables_v1

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

CATALOGUE = """
create table meters (
    meter text collate "C" primary key,
    revision bigint not null,
    event_type text collate "C" not null,
    aggregation text not null check (aggregation in ('count', 'sum', 'unique')),
    field text,
    missing text not null check (missing in ('quarantine', 'ignore')),
    group_by text[] not null,
    filters jsonb not null,
    list_currency varchar(3),
    list_unit numeric check (list_unit <> 'NaN' and list_unit >= 0),
    role text,
    heartbeat_s integer check (heartbeat_s > 0),
    created_at timestamptz not null,
    backfilled boolean not null,
    check ((aggregation = 'count') = (field is null)),
    check ((list_currency is null) = (list_unit is null))
);
-- An event is worth one list price, so that suspense is valued once.
create unique index meters_list_price on meters (event_type) where list_unit is not null;
create table catalogue_state (
    one boolean primary key default true check (one),
    revision bigint not null default 0
);
insert into catalogue_state default values;
create table backfills (
    meter text collate "C" primary key references meters,
    cut jsonb not null,
    cursor_batch_id bigint not null default 0,
    cursor_seq integer not null default -1,
    started_at timestamptz not null default clock_timestamp(),
    finished_at timestamptz
);
create table plans (plan text primary key, revision bigint not null, document jsonb not null);
"""

CUSTOMERS = """
create table customers (
    customer_id text primary key,
    external_id text not null unique,
    name text not null,
    legal_entity text not null,
    timezone text not null,
    revision bigint not null,
    created_at timestamptz not null
);
create table subjects (
    subject text collate "C" primary key,
    customer_id text not null references customers,
    alias boolean not null
);
create index subjects_customer on subjects (customer_id);
"""

EVENTS = """
create table event_keys (
    key bytea not null check (length(key) = 16),
    body_hash bytea not null,
    batch_id bigint not null,
    seq integer not null,
    primary key (key)
) partition by hash (key);
create table events (
    batch_id bigint not null,
    seq integer not null,
    partition smallint not null,
    received_at timestamptz not null,
    key bytea not null,
    source text not null,
    id text not null,
    type text collate "C" not null,
    subject text collate "C" not null,
    time timestamptz not null,
    data jsonb not null
) partition by range (received_at);
create index events_batch on events (batch_id, seq);
create index events_subject on events (subject, type, time);
create table events_other partition of events default;
create table voids (
    key bytea primary key,
    source text not null,
    id text not null,
    batch_id bigint not null,
    partition smallint not null,
    received_at timestamptz not null,
    event_batch_id bigint,
    event_seq integer,
    check ((event_batch_id is null) = (event_seq is null))
);
create index voids_waiting on voids (key) where event_batch_id is null;
create table conflicts (
    batch_id bigint, seq integer, key bytea not null, source text not null, id text not null,
    first_body_hash bytea not null, body jsonb not null, received_at timestamptz not null,
    primary key (batch_id, seq)
);
create index conflicts_key on conflicts (key);
create table duplicates (
    batch_id bigint, seq integer, key bytea not null, received_at timestamptz not null,
    primary key (batch_id, seq)
);
create index duplicates_key on duplicates (key);
create table event_types (type text collate "C" primary key);
create table newest_received (partition smallint primary key, received_at timestamptz not null) with (fillfactor = 50);
"""

# Room on each page keeps updates of a counter on it (HOT), without touching the index.
AGGREGATES = """
create table usage_hours (
    subject text collate "C", meter text collate "C", grp text collate "C", hour timestamptz,
    events bigint not null, value numeric not null check (value <> 'NaN' and scale(value) <= 12),
    primary key (subject, meter, grp, hour)
) with (fillfactor = 70);
create table usage_days (
    subject text collate "C", meter text collate "C", grp text collate "C", day date,
    events bigint not null, value numeric not null check (value <> 'NaN' and scale(value) <= 12),
    primary key (subject, meter, grp, day)
) with (fillfactor = 70);
create table usage_uniques (
    subject text collate "C", meter text collate "C", grp text collate "C", hour timestamptz, item text collate "C",
    events integer not null,
    primary key (subject, meter, grp, hour, item)
) with (fillfactor = 80);
create table meter_groups (meter text collate "C", month date, grp text collate "C", primary key (meter, month, grp));
"""

MARKS = """
create table marks (
    mark_id bigint generated always as identity primary key,
    subject text collate "C" not null,
    day date not null,
    marked_at timestamptz not null default clock_timestamp()
);
create table activity_marks (subject text collate "C" not null, day date not null);
create table activity_due (
    subject text collate "C", day date, since timestamptz not null default clock_timestamp(), primary key (subject, day)
);
"""

PARTITIONS = """
do $$
declare
    first_day date := date_trunc('month', now() at time zone 'UTC');
begin
    for number in 0..7 loop
        execute format('create table event_keys_%s partition of event_keys for values with (modulus 8, remainder %s)', number, number);
    end loop;
    for ahead in 0..2 loop
        execute format(
            'create table events_%s partition of events for values from (%L) to (%L)', to_char(first_day + make_interval(months => ahead), 'YYYY_MM'),
            to_char(first_day + make_interval(months => ahead), 'YYYY-MM-DD') || ' 00:00:00+00',
            to_char(first_day + make_interval(months => ahead + 1), 'YYYY-MM-DD') || ' 00:00:00+00');
    end loop;
end $$
"""


def upgrade() -> None:
    for step in (standard_tables_v1("rating"), CATALOGUE, CUSTOMERS, EVENTS, AGGREGATES, MARKS):
        for statement in filter(str.strip, step.split(";\n")):
            op.execute(statement)
    op.execute(PARTITIONS)


def downgrade() -> None:
    raise NotImplementedError("usage is never dropped; restore a backup instead")
