"""Contracts as chains of versions, the periods the clock opens, and statements; what is history cannot be changed."""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

TABLES = """
create table rating.contracts (
    contract text primary key,
    customer_id text not null references rating.customers,
    revision bigint not null,
    created_at timestamptz not null default clock_timestamp(),
    next_period_at timestamptz
);
create index contracts_customer on rating.contracts (customer_id);
create index contracts_next_period on rating.contracts (next_period_at) where next_period_at is not null;

create table rating.contract_versions (
    contract text not null references rating.contracts,
    version integer not null check (version > 0),
    effective_at timestamptz not null,
    recorded_at timestamptz not null,
    stamped_at timestamptz not null default clock_timestamp(),
    content_hash text not null,
    terms jsonb not null,
    primary key (contract, version)
);

create table rating.periods (
    contract text not null references rating.contracts,
    period_start timestamptz not null,
    period_end timestamptz not null check (period_end > period_start),
    start_date date not null,
    end_date date not null check (end_date >= start_date),
    whole_days integer not null check (whole_days > 0),
    close_due_at timestamptz not null check (close_due_at >= period_end),
    final boolean not null default false,
    retry_at timestamptz,
    primary key (contract, period_start)
) with (fillfactor = 70);
create index periods_close_due on rating.periods (close_due_at) where not final;

create table rating.stale (
    stale_id bigint generated always as identity primary key,
    contract text not null,
    period_start timestamptz not null,
    since timestamptz not null default clock_timestamp()
) with (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 20000);
create index stale_statement on rating.stale (contract, period_start);

create table rating.statements (
    contract text not null,
    period_start timestamptz not null,
    statement_id uuid not null unique,
    revision bigint not null,
    final boolean not null,
    watermark jsonb not null,
    watermark_us bigint not null,
    subtotal_minor bigint not null,
    currency varchar(3) not null,
    document jsonb not null,
    closing jsonb not null default '[]'::jsonb,
    opening jsonb not null default '[]'::jsonb,
    known_version integer not null,
    primary key (contract, period_start),
    foreign key (contract, period_start) references rating.periods
) with (fillfactor = 70);
"""

HISTORY = """
create function rating.refuse_change_of_history() returns trigger language plpgsql as $$
begin
    raise exception '% of %: a final statement, a closed period and a contract version are history; whatever arrives later becomes a new one',
        tg_op, tg_table_name using errcode = 'integrity_constraint_violation';
end $$;
create trigger final_is_history before update or delete on rating.statements
    for each row when (old.final) execute function rating.refuse_change_of_history();
create trigger closed_is_history before update or delete on rating.periods
    for each row when (old.final) execute function rating.refuse_change_of_history();
create trigger version_is_history before update or delete on rating.contract_versions
    for each row execute function rating.refuse_change_of_history();
create trigger no_truncate before truncate on rating.statements execute function rating.refuse_change_of_history();
create trigger no_truncate before truncate on rating.contract_versions execute function rating.refuse_change_of_history();
"""


def upgrade() -> None:
    op.execute(TABLES)
    op.execute(HISTORY)


def downgrade() -> None:
    op.execute(
        "drop table rating.statements, rating.stale, rating.periods, rating.contract_versions, rating.contracts"
    )
    op.execute("drop function rating.refuse_change_of_history()")
