"""The bus: logs, positions, batch rows, dead letters and group membership."""

from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

TABLES = """
create table bus.cluster (
    one boolean primary key default true check (one),
    kind text not null,                                   -- postgres | kafka
    cluster_id text not null
);
create table bus.topics (
    topic text primary key,
    partitions smallint not null check (partitions > 0),
    created_at timestamptz not null default clock_timestamp()
);
create table bus.heads (
    topic text not null references bus.topics on delete cascade,
    partition smallint not null,
    head bigint not null default 0 check (head >= 0),
    primary key (topic, partition)
) with (fillfactor = 50);
create table bus.segments (
    topic text not null,
    partition smallint not null,
    base bigint not null,
    count integer not null check (count > 0),
    payload bytea not null,
    appended_at timestamptz not null default clock_timestamp(),
    primary key (topic, partition, base)
);
alter table bus.segments alter column payload set storage external;
create sequence bus.batch_id as bigint cache 1;
create table bus.positions (
    grp text not null,
    topic text not null,
    partition smallint not null,
    position bigint not null default 0 check (position >= 0),
    last_hash bytea,
    moved_at timestamptz not null default clock_timestamp(),
    primary key (grp, topic, partition)
) with (fillfactor = 50);
create table bus.batches (
    batch_id bigint primary key,
    grp text not null,
    topic text not null,
    partition smallint not null,
    from_offset bigint not null,
    to_offset bigint not null,
    new integer not null check (new >= 0),
    duplicate integer not null check (duplicate >= 0),
    conflict integer not null check (conflict >= 0),
    void integer not null check (void >= 0),
    dead integer not null check (dead >= 0),
    compacted integer not null check (compacted >= 0),
    at timestamptz not null default clock_timestamp(),
    unique (grp, topic, partition, from_offset),
    constraint batches_tile check (to_offset > from_offset and to_offset - from_offset = new + duplicate + conflict + void + dead + compacted)
);
create table bus.dead_letters (
    grp text not null,
    topic text not null,
    partition smallint not null,
    offset_ bigint not null,
    key bytea not null,
    value bytea not null,
    headers jsonb not null default '{}',
    error text not null,
    batch_id bigint not null,
    at timestamptz not null default clock_timestamp(),
    primary key (grp, topic, partition, offset_)
);
create table bus.members (
    member bigint generated always as identity primary key,
    grp text not null,
    shares text[] not null,                               -- name#number: what this member is willing to own
    pid integer not null,
    backend_start timestamptz not null,
    seen_at timestamptz not null default clock_timestamp()
) with (fillfactor = 50);
create index members_group on bus.members (grp);
"""


def upgrade() -> None:
    for statement in TABLES.strip().split(";\n"):  # asyncpg prepares one statement at a time
        op.execute(statement)
