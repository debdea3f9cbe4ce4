"""Blocks of money: what contracts draw on, and every change of their balances as a row of its own."""

from alembic import op

revision = "0026"
down_revision = "0024"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("""
        create table rating.blocks (
            block_id text primary key,
            customer_id text not null references rating.customers (customer_id),
            revision bigint not null default 0,
            key text not null,
            kind text not null,
            currency varchar(3) not null,
            effective timestamptz not null,
            ends timestamptz,
            created_at timestamptz not null,
            priority integer,
            draw_class text not null default 'normal',
            applies_to jsonb,
            clauses jsonb not null default '[]'::jsonb,
            over boolean not null default false,
            granted_minor bigint not null,
            reason text,
            constraint blocks_kind check (
                kind in ('prepaid', 'promotional', 'commitment', 'roll_over', 'shortfall')))""")
    op.execute("create index blocks_customer on rating.blocks (customer_id)")
    op.execute("create index blocks_ends on rating.blocks (ends) where not over")
    op.execute("""
        create table rating.block_contracts (
            block_id text not null references rating.blocks (block_id),
            contract text not null references rating.contracts (contract),
            position smallint not null,
            primary key (block_id, contract))""")
    op.execute("create index block_contracts_contract on rating.block_contracts (contract)")
    op.execute("""
        create table rating.block_rows (
            row_id bigint generated always as identity primary key,
            block_id text not null references rating.blocks (block_id),
            kind text not null,
            amount_minor bigint not null,
            at timestamptz not null,
            recorded_at timestamptz not null,
            stamped_at timestamptz not null default clock_timestamp(),
            contract text,
            period_start timestamptz,
            statement_id uuid,
            line_id uuid,
            slice_start timestamptz,
            cause text not null,
            constraint block_rows_sign check (
                kind in ('grant', 'return', 'revived') and amount_minor > 0
                or kind in ('draw', 'expiry', 'void', 'refund') and amount_minor < 0
                or kind = 'adjustment' and amount_minor <> 0))""")
    op.execute("create index block_rows_block on rating.block_rows (block_id, row_id)")
    op.execute("create index block_rows_statement on rating.block_rows (contract, period_start)")


def downgrade() -> None:
    for table in ("block_rows", "block_contracts", "blocks"):
        op.execute(f"drop table rating.{table}")
