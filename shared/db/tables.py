"""The tables every service schema has: outbox and what the bus refused of it, API keys as heard, exceptions,
idempotency keys."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    DateTime,
    Identity,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    String,
    Table,
    Text,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

INSTANT = DateTime(timezone=True)


def add_standard_tables(metadata: MetaData) -> None:
    """Add the standard tables to a service's metadata (its `schema` is taken)."""
    Table(
        "outbox",
        metadata,
        Column("outbox_id", BigInteger, Identity(always=True), primary_key=True),
        Column("shard", SmallInteger, nullable=False),
        Column("topic", Text, nullable=False),
        Column("key", LargeBinary, nullable=False),  # of the record: a snapshot's whole identity
        Column("value", LargeBinary, nullable=False),
        Column("headers", JSONB, nullable=False, server_default=text("'{}'::jsonb")),
        # Null in rows of before: the one their key chooses.
        Column("partition", SmallInteger),
        Column("created_at", INSTANT, nullable=False, server_default=text("clock_timestamp()")),
        Index("outbox_shard", "shard", "outbox_id"),
    )
    # Rows the bus would not take, out of the way of the others.
    Table(
        "outbox_refused",
        metadata,
        Column("outbox_id", BigInteger, primary_key=True, autoincrement=False),
        Column("shard", SmallInteger, nullable=False),
        Column("topic", Text, nullable=False),
        Column("key", LargeBinary, nullable=False),
        Column("value", LargeBinary, nullable=False),
        Column("headers", JSONB, nullable=False),
        Column("partition", SmallInteger),
        Column("created_at", INSTANT, nullable=False),
        Column("reason", Text, nullable=False),  # what the bus answered last
        Column("tries", Integer, nullable=False),
        Column("retry_at", INSTANT, nullable=False),  # machine clock
        Index("outbox_refused_key", "topic", "key"),
    )
    Table(
        "access_keys",
        metadata,
        Column("key_id", Text, primary_key=True),
        Column("revision", BigInteger, nullable=False),
        Column("hash", Text, nullable=False, unique=True),
        Column("name", Text, nullable=False),
        Column("scopes", ARRAY(Text), nullable=False),
        Column("expires_at", INSTANT),
        Column("revoked", Boolean, nullable=False),
        # whose usage it may touch; none named: anybody's
        Column("sources", ARRAY(Text), nullable=False, server_default=text("'{}'::text[]")),
    )
    Table(
        "exceptions",
        metadata,
        Column("exception_id", Text, primary_key=True),
        Column("kind", Text, nullable=False),
        # What it is about; (kind, reference) is open at most once.
        Column("reference", Text, nullable=False),
        Column("detail", Text, nullable=False),
        Column("owner", Text, nullable=False),
        Column("opened_at", INSTANT, nullable=False),  # business clock
        Column("deadline_at", INSTANT, nullable=False),
        Column("amount_minor", BigInteger),  # the price tag, where it can be said
        Column("currency", String(3)),
        Column("resolved_at", INSTANT),
        Index(
            "exceptions_open", "kind", "reference", unique=True, postgresql_where=text("resolved_at is null")
        ),
    )
    Table(
        "idempotency_keys",
        metadata,
        Column("key_id", Text, primary_key=True),  # the API key
        Column("idempotency_key", Text, primary_key=True),
        Column("request_hash", LargeBinary, nullable=False),
        Column("status", SmallInteger),  # null while in flight
        Column("body", LargeBinary),
        Column("created_at", INSTANT, nullable=False, server_default=text("clock_timestamp()")),
        Index("idempotency_keys_age", "created_at"),
    )


def add_retold_table(metadata: MetaData) -> None:
    """Add to a service that says snapshots the table of how far they are told once more
    (`shared/runtime/retelling.py`)."""
    Table(
        "retold",
        metadata,
        Column("topic", Text, primary_key=True),
        Column("after", JSONB),  # the place of the last one told
        Column("told", BigInteger, nullable=False, server_default=text("0")),
        Column("begun_at", INSTANT, nullable=False, server_default=text("clock_timestamp()")),
        Column("done_at", INSTANT),
    )


def standard_tables_v1(schema: str) -> str:
    """The DDL of the standard tables as every service's first migration creates them. A change is a new
    function, not an edit."""
    return f"""
create table {schema}.outbox (
    outbox_id bigint generated always as identity primary key,
    shard smallint not null,
    topic text not null,
    key bytea not null,
    value bytea not null,
    headers jsonb not null default '{{}}'::jsonb,
    created_at timestamptz not null default clock_timestamp()
);
create index outbox_shard on {schema}.outbox (shard, outbox_id);
create table {schema}.access_keys (
    key_id text primary key,
    revision bigint not null,
    hash text not null unique,
    name text not null,
    scopes text[] not null,
    expires_at timestamptz,
    revoked boolean not null
);
create table {schema}.exceptions (
    exception_id text primary key,
    kind text not null,
    reference text not null,
    detail text not null,
    owner text not null,
    opened_at timestamptz not null,
    deadline_at timestamptz not null,
    amount_minor bigint,
    currency varchar(3),
    resolved_at timestamptz
);
create unique index exceptions_open on {schema}.exceptions (kind, reference) where resolved_at is null;
create table {schema}.idempotency_keys (
    key_id text not null,
    idempotency_key text not null,
    request_hash bytea not null,
    status smallint,
    body bytea,
    created_at timestamptz not null default clock_timestamp(),
    primary key (key_id, idempotency_key)
);
"""


def outbox_partition(schema: str) -> str:
    """The DDL by which a row says its partition: its key is the whole identity of a snapshot, and no longer
    what it is partitioned by."""
    return f"alter table {schema}.outbox add column partition smallint"


def bound_keys(schema: str) -> str:
    """What a second migration adds to the standard tables: keys bound to sources, and idempotency keys found
    by their age."""
    return f"""
alter table {schema}.access_keys add sources text[] not null default '{{}}'::text[];
create index idempotency_keys_age on {schema}.idempotency_keys (created_at)
"""


def outbox_refused(schema: str) -> str:
    """The DDL of the table where refused rows wait."""
    return f"""
create table {schema}.outbox_refused (
    outbox_id bigint primary key,
    shard smallint not null,
    topic text not null,
    key bytea not null,
    value bytea not null,
    headers jsonb not null,
    partition smallint,
    created_at timestamptz not null,
    reason text not null,
    tries integer not null,
    retry_at timestamptz not null
);
create index outbox_refused_key on {schema}.outbox_refused (topic, key)"""


def retold_table(schema: str) -> str:
    """The DDL of the table of snapshots told once more."""
    return f"""create table {schema}.retold (topic text primary key, after jsonb,
        told bigint not null default 0,
        begun_at timestamptz not null default clock_timestamp(), done_at timestamptz)"""
