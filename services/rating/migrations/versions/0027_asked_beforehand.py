"""What is asked for beforehand: the documents of commitments and credits, each told on its date."""

from alembic import op

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("""
        create table rating.asked_beforehand (
            contract text not null,
            period_start timestamptz not null,
            occasion text not null,
            kind text not null,
            key text not null,
            block_id text not null,
            clause_id uuid not null,
            clause_hash text not null,
            due_at timestamptz not null,
            start_date date not null,
            end_date date not null,
            amount_minor bigint not null,
            whole_minor bigint not null,
            number integer not null,
            parts integer not null,
            statement_id uuid,
            said text,
            primary key (contract, occasion),
            foreign key (contract, period_start) references rating.periods (contract, period_start))""")
    op.execute("create index asked_beforehand_due on rating.asked_beforehand (due_at) where said is null")
    op.execute("create index asked_beforehand_period on rating.asked_beforehand (contract, period_start)")


def downgrade() -> None:
    op.execute("drop table rating.asked_beforehand")
