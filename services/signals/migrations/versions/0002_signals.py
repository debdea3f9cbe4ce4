"""What usage means day by day, the facts told, and webhooks."""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

MEANT = """
create table signals.meters (
    meter text primary key,
    revision bigint not null,
    event_type text not null,
    aggregation text not null,
    role text,
    heartbeat_s integer
);
alter table signals.statements add column capacity jsonb;
alter table signals.activity add column items text[] not null default '{}'::text[];
alter table signals.activity add column folded boolean not null default false;
create index activity_waiting on signals.activity (customer_id) where not folded and customer_id is not null;
create table signals.rollups (
    customer_id text not null,
    meter text not null,
    days_from date not null,
    weeks_from date not null,
    days bigint[] not null,
    weeks bigint[] not null,
    day_values bytea not null,
    total numeric not null,
    last_seen_us bigint not null,
    gone_on date,
    primary key (customer_id, meter)
) with (fillfactor = 60, toast_tuple_target = 4080);
create table signals.customer_states (
    customer_id text primary key,
    next_on date not null,
    due_at timestamptz not null,
    state jsonb not null
) with (fillfactor = 60);
create index customer_states_due on signals.customer_states (due_at);
insert into signals.customer_states (customer_id, next_on, due_at, state)
    select customer_id, current_date, clock_timestamp(), '{}'::jsonb from signals.customers;
create table signals.standings (
    customer_id text not null,
    day date not null,
    at timestamptz not null,
    document jsonb not null,
    primary key (customer_id, day)
);
create table signals.facts (
    signal_id text primary key,
    type text not null,
    customer_id text not null,
    customer text not null,
    contract text,
    day date not null,
    occurred_at timestamptz not null,
    sequence bigint not null,
    data jsonb not null,
    state text not null default 'open' check (state in ('open', 'acknowledged', 'snoozed')),
    snoozed_until timestamptz,
    acknowledged_by text,
    outcome text check (outcome in ('renewed', 'expanded', 'contracted', 'churned')),
    outcome_at timestamptz,
    told_at timestamptz not null default clock_timestamp()
);
create index facts_order on signals.facts (occurred_at, signal_id);
create unique index facts_customer on signals.facts (customer, sequence);
create index facts_contract on signals.facts (contract, type);
create table signals.sequences (
    customer text primary key,
    last bigint not null
);
create table signals.endpoints (
    endpoint_id text primary key,
    url text not null,
    description text not null,
    events text[] not null,
    format text not null check (format in ('standard', 'slack')),
    secret text not null,
    previous_secret text,
    previous_until timestamptz,
    state text not null check (state in ('enabled', 'disabled')),
    disabled_reason text,
    disabled_at timestamptz,
    failing_since timestamptz,
    created_at timestamptz not null,
    lane_owner text,
    lane_until timestamptz
);
create table signals.deliveries (
    delivery_id text primary key,
    endpoint_id text not null,
    signal_id text not null,
    customer text not null,
    sequence bigint not null,
    state text not null check (state in ('pending', 'delivered', 'given_up')),
    attempts integer not null,
    due_at timestamptz not null,
    created_at timestamptz not null,
    delivered_at timestamptz
);
create unique index deliveries_signal on signals.deliveries (endpoint_id, signal_id);
create index deliveries_due on signals.deliveries (endpoint_id, due_at) where state = 'pending';
create table signals.attempts (
    attempt_id text primary key,
    delivery_id text not null,
    number integer not null,
    at timestamptz not null,
    business_at timestamptz not null,
    status integer,
    error text,
    took_ms integer not null,
    request jsonb not null,
    response text not null
);
create index attempts_delivery on signals.attempts (delivery_id, number)
"""


def upgrade() -> None:
    for statement in MEANT.split(";"):
        if statement.strip():
            op.execute(statement)


def downgrade() -> None:
    for table in (
        "attempts",
        "deliveries",
        "endpoints",
        "sequences",
        "facts",
        "standings",
        "customer_states",
        "rollups",
        "meters",
    ):
        op.execute(f"drop table signals.{table}")
    op.execute("drop index signals.activity_waiting")
    op.execute("alter table signals.activity drop column items, drop column folded")
    op.execute("alter table signals.statements drop column capacity")
