"""The tables every service schema has: outbox and what the bus refused of it, API keys as heard, exceptions and what
people do about them, idempotency keys, and who changed what."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    ForeignKey,
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
        # for which it may decide
        Column("seats", ARRAY(Text), nullable=False, server_default=text("'{}'::text[]")),
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
        # false in rows of before; else with the caller's own API key
        Column("sealed", Boolean, nullable=False, server_default=text("false")),
        Column("created_at", INSTANT, nullable=False, server_default=text("clock_timestamp()")),
        Index("idempotency_keys_age", "created_at"),
    )
    _add_exception_acts_table(metadata)
    add_audit_table(metadata)


def add_audit_table(metadata: MetaData) -> None:
    """Add the table of who changed what: rows are inserted and never touched again (`audit_table`)."""
    Table(
        "audit",
        metadata,
        Column("audit_id", Text(collation="C"), primary_key=True),
        Column("at", INSTANT, nullable=False),  # machine clock
        Column("actor", Text, nullable=False),
        Column("key_id", Text),  # null: the command line
        Column("verb", Text, nullable=False),  # the operation of the API
        Column("object", Text, nullable=False),
        Column("object_id", Text, nullable=False),
        Column("before", JSONB),
        Column("after", JSONB),
        Column("request_id", Text, nullable=False),
        Index("audit_at", "at", "audit_id"),
        Index("audit_of", "object", "object_id", "at"),
        Index("audit_actor", "actor", "at"),
        Index("audit_key", "key_id", "at"),
        Index("audit_verb", "verb", "at"),
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


def _add_exception_acts_table(metadata: MetaData) -> None:
    """What people did about exceptions (`shared/cases.py`)."""
    Table(
        "exception_acts",
        metadata,
        Column("act_id", Text, primary_key=True),
        Column(
            "exception_id",
            Text,
            ForeignKey(f"{metadata.schema}.exceptions.exception_id"),
            nullable=False,
        ),
        Column("at", INSTANT, nullable=False),  # business clock
        Column("actor", Text, nullable=False),
        Column("act", Text, nullable=False),
        Column("assignee", Text),
        Column("note", Text),
        # In the order in which they were done: an id is made before its turn comes.
        Column("place", BigInteger, Identity(always=True), nullable=False),
        CheckConstraint("act in ('assigned', 'noted', 'resolved')", name="exception_acts_act"),
        Index("exception_acts_exception", "exception_id", "place"),
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


def exception_acts_table(schema: str) -> str:
    """The DDL of the table of what people did about exceptions, and of its index; each a statement."""
    return f"""create table {schema}.exception_acts (
    act_id text primary key,
    exception_id text not null references {schema}.exceptions,
    at timestamptz not null,
    actor text not null,
    act text not null,
    assignee text,
    note text,
    constraint exception_acts_act check (act in ('assigned', 'noted', 'resolved'))
);
create index exception_acts_exception on {schema}.exception_acts (exception_id, act_id)"""


def exception_acts_in_order(schema: str) -> list[str]:
    """The DDL by which what people did about an exception is read in the order in which it was done; each a statement."""
    acts = f"{schema}.exception_acts"
    return [
        f"alter table {acts} add place bigint generated always as identity",
        f"drop index {acts}_exception",
        f"create index exception_acts_exception on {acts} (exception_id, place)",
    ]


def exception_acts_by_name(schema: str) -> list[str]:
    """The DDL that takes it back: by the names of acts; each a statement."""
    acts = f"{schema}.exception_acts"
    return [
        f"drop index {acts}_exception",
        f"create index exception_acts_exception on {acts} (exception_id, act_id)",
        f"alter table {acts} drop place",
    ]


def seats_of_keys(schema: str) -> str:
    """The DDL by which a key carries seats."""
    return f"alter table {schema}.access_keys add seats text[] not null default '{{}}'::text[]"


def append_only_audit(schema: str) -> str:
    """The DDL of the audit table, and of kept answers that are sealed."""
    return f"""
alter table {schema}.idempotency_keys add column sealed boolean not null default false;{audit_table(schema)}"""


def audit_table(schema: str) -> str:
    """The DDL of the audit table. It refuses every change of a row: of whoever owns it, and of an administrator too.
    That the process's role may insert and select alone is granted after the migrations
    (`shared/postgres/privileges.py`)."""
    return f"""
create table {schema}.audit (
    audit_id text collate "C" primary key,
    at timestamptz not null,
    actor text not null,
    key_id text,
    verb text not null,
    object text not null,
    object_id text not null,
    before jsonb,
    after jsonb,
    request_id text not null
);
create index audit_at on {schema}.audit (at, audit_id);
create index audit_of on {schema}.audit (object, object_id, at);
create index audit_actor on {schema}.audit (actor, at);
create index audit_key on {schema}.audit (key_id, at);
create function {schema}.refuse_change_of_audit() returns trigger language plpgsql as $$
begin
    raise exception 'who changed what is history: % of {schema}.audit is refused', lower(tg_op) using errcode = 'U2C04';
end $$;
create trigger audit_is_history before update or delete or truncate on {schema}.audit
    for each statement execute function {schema}.refuse_change_of_audit()"""
