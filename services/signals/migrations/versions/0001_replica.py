"""Customers, contracts, statements and activity as heard."""

from alembic import op

from shared.db.tables import standard_tables_v1

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

HEARD = """
create table signals.customers (
    customer_id text primary key,
    revision bigint not null,
    external_id text not null unique,
    name text not null,
    timezone text not null
);
create table signals.contracts (
    contract text primary key,
    revision bigint not null,
    customer_id text not null,
    customer text not null,
    versions jsonb not null
);
create index contracts_customer on signals.contracts (customer);
create table signals.statements (
    contract text not null,
    period_start timestamptz not null,
    period_end timestamptz not null,
    revision bigint not null,
    customer text not null,
    final boolean not null,
    document jsonb not null,
    primary key (contract, period_start)
) with (fillfactor = 80);
create table signals.activity (
    subject text not null,
    meter text not null,
    day date not null,
    revision bigint not null,
    customer_id text,
    hours jsonb not null,
    last_seen_at timestamptz not null,
    primary key (subject, meter, day)
) with (fillfactor = 80);
create index activity_customer on signals.activity (customer_id, meter, day);
"""


def upgrade() -> None:
    for statement in (standard_tables_v1("signals") + HEARD).split(";"):
        if statement.strip():
            op.execute(statement)


def downgrade() -> None:
    for table in (
        "activity",
        "statements",
        "contracts",
        "customers",
        "idempotency_keys",
        "exceptions",
        "access_keys",
        "outbox",
    ):
        op.execute(f"drop table signals.{table}")
