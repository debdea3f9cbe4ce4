"""Quarantine, receipts, keys, and what was heard of the catalogue."""

from alembic import op

from shared.db.tables import standard_tables_v1

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

DOOR = """
create table usage_ingest.quarantine (
    quarantine_id text primary key,
    code text not null,
    detail text not null,
    raw bytea not null,
    source text not null,
    id text not null,
    type text not null,
    subject text not null,
    time timestamptz,
    key_id text not null,
    request_id text not null,
    index_ integer not null,
    received_at timestamptz not null,
    business_at timestamptz not null,
    status text not null default 'open',
    resolved_at timestamptz,
    resolved_by text,
    resolution text,
    repaired bytea,
    constraint quarantine_status check (status in ('open', 'replayed', 'repaired', 'discarded'))
);
create index quarantine_open on usage_ingest.quarantine (quarantine_id) where status = 'open';
create index quarantine_source on usage_ingest.quarantine (source, quarantine_id);
create table usage_ingest.receipts (
    receipt_id text primary key,
    key_id text not null,
    source text not null,
    received_at timestamptz not null,
    hour timestamptz not null,
    received bigint not null,
    published bigint not null,
    quarantined bigint not null,
    refused bigint not null,
    constraint receipts_sum check (received = published + quarantined + refused)
);
create index receipts_hour on usage_ingest.receipts (hour);
create table usage_ingest.door_hours (
    key_id text not null,
    source text not null,
    hour timestamptz not null,
    receipts bigint not null,
    received bigint not null,
    published bigint not null,
    quarantined bigint not null,
    refused bigint not null,
    primary key (key_id, source, hour)
) with (fillfactor = 80);
create table usage_ingest.api_keys (
    key_id text primary key,
    prefix text not null,
    created_at timestamptz not null,
    created_by text not null,
    replaces text
);
create table usage_ingest.meters (
    meter text primary key,
    revision bigint not null,
    document jsonb not null,
    heard_xid bigint not null default (pg_current_xact_id()::text)::bigint
);
create index meters_heard on usage_ingest.meters (heard_xid);
create table usage_ingest.customers (
    customer_id text primary key,
    revision bigint not null,
    document jsonb not null,
    heard_xid bigint not null default (pg_current_xact_id()::text)::bigint
);
create index customers_heard on usage_ingest.customers (heard_xid);
"""
TABLES = (
    "customers",
    "meters",
    "api_keys",
    "door_hours",
    "receipts",
    "quarantine",
    "idempotency_keys",
    "exceptions",
    "access_keys",
    "outbox",
)


def upgrade() -> None:
    for statement in (standard_tables_v1("usage_ingest") + DOOR).split(";"):
        if statement.strip():
            op.execute(statement)


def downgrade() -> None:
    for table in TABLES:
        op.execute(f"drop table usage_ingest.{table}")
