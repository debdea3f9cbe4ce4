"""What waits is kept a day at a time, so that two days can be compared; and suspense is accepted in writing."""

from alembic import op

revision = "0038"
down_revision = "0037"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        """create table billing.waiting_days (
            day date not null,
            place text not null,
            reason text not null,
            owner text not null,
            currency text not null,
            amount_minor bigint not null,
            events bigint not null,
            unvalued bigint not null,
            taken_at timestamptz not null,
            primary key (day, place, reason, owner, currency))"""
    )
    op.execute(
        """create table billing.suspense_acceptances (
            acceptance_id text primary key,
            customer text not null,
            type text not null,
            reason text not null,
            events bigint not null,
            value jsonb not null,
            by text not null,
            because text not null,
            at timestamptz not null)"""
    )


def downgrade() -> None:
    op.execute("drop table billing.suspense_acceptances")
    op.execute("drop table billing.waiting_days")
