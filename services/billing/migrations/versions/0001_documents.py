"""Statements as heard, documents and their lines, number series, the journal."""

from alembic import op

from shared.db.tables import standard_tables_v1

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

HEARD = """
create table billing.customers (
    customer_id text primary key,
    revision bigint not null,
    external_id text not null,
    name text not null,
    aliases text[] not null,
    legal_entity text not null,
    timezone text not null
);
create table billing.contracts (
    contract text primary key,
    revision bigint not null,
    customer_id text not null,
    customer text not null,
    versions jsonb not null
);
create table billing.statements_heard (
    statement_id uuid primary key,
    revision bigint not null,
    contract text not null,
    customer_id text not null,
    period_start timestamptz not null,
    period_end timestamptz not null,
    final boolean not null,
    watermark jsonb not null,
    document jsonb not null
) with (fillfactor = 60);
create table billing.statement_pages (
    statement_id uuid not null,
    revision bigint not null,
    page integer not null,
    pages integer not null,
    document jsonb not null,
    primary key (statement_id, revision, page),
    constraint statement_pages_within check (page between 1 and pages)
);
"""

DOCUMENTS = """
create table billing.documents (
    document_id text primary key,
    kind text not null,
    status text not null default 'draft',
    series text,
    number text,
    contract text not null,
    customer_id text not null,
    customer text not null,
    customer_name text,
    legal_entity text not null,
    currency varchar(3) not null,
    timezone text not null,
    period_start timestamptz not null,
    period_end timestamptz not null,
    start_date date not null,
    end_date date not null,
    statement_id uuid,
    statement_revision bigint,
    statement_final boolean not null default false,
    watermark jsonb,
    watermark_us bigint,
    net_days integer not null,
    skip_zero boolean not null default false,
    issued_on date,
    due_on date,
    subtotal_minor bigint not null,
    total_minor bigint not null,
    corrects text references billing.documents,
    held_until timestamptz,
    finalized_at timestamptz,
    created_at timestamptz not null default clock_timestamp(),
    constraint documents_series_number unique (series, number),
    constraint documents_kind check (kind in ('invoice', 'commitment', 'prepayment', 'debit_note', 'credit_note')),
    constraint documents_status check (status in ('draft', 'finalized')),
    constraint documents_numbered_when_finalized check (
        case status when 'finalized' then num_nulls(series, number, issued_on, due_on, finalized_at, customer_name) = 0
        else num_nonnulls(series, number, issued_on, due_on, finalized_at) = 0 end)
) with (fillfactor = 60);
create unique index documents_invoice on billing.documents (contract, period_start) where kind = 'invoice';
create index documents_statement on billing.documents (statement_id);
create index documents_customer on billing.documents (customer, document_id);
create index documents_contract on billing.documents (contract, document_id);
create index documents_due on billing.documents (legal_entity, period_start, contract) where status = 'draft' and statement_final;
create table billing.document_lines (
    document_id text not null references billing.documents,
    position integer not null,
    line_id text not null,
    key text not null,
    clause_id text not null,
    clause_hash text not null,
    version integer not null,
    kind text not null,
    meter text,
    description text not null,
    quantity numeric not null,
    amount_minor bigint not null,
    segments jsonb not null,
    primary key (document_id, position),
    constraint document_lines_line unique (document_id, line_id)
);
create table billing.number_series (
    series text primary key,
    next bigint not null default 1,
    constraint number_series_next check (next >= 1)
);
"""

JOURNAL = """
create table billing.journal_entries (
    entry_id text primary key,
    document_id text not null references billing.documents,
    posted_on date not null,
    description text not null,
    created_at timestamptz not null default clock_timestamp(),
    constraint journal_entries_document unique (document_id)
);
create table billing.journal_postings (
    entry_id text not null references billing.journal_entries,
    position integer not null,
    account text not null,
    amount_minor bigint not null,
    currency varchar(3) not null,
    line_id text,
    primary key (entry_id, position),
    constraint journal_postings_not_zero check (amount_minor <> 0)
);
create index journal_postings_account on billing.journal_postings (account, entry_id);
"""


def upgrade() -> None:
    for statements in (standard_tables_v1("billing"), HEARD, DOCUMENTS, JOURNAL):
        for statement in statements.strip().split(";\n"):  # asyncpg prepares one statement at a time
            op.execute(statement)
