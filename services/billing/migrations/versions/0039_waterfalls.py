"""Since when the oldest of what waits does is kept with it, and the way from what is stored to what is invoiced."""

from alembic import op

revision = "0039"
down_revision = "0038"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("alter table billing.waiting_days add column oldest date")
    op.execute(
        """create table billing.waterfall_days (
            day date not null,
            currency text not null,
            step text not null,
            amount_minor bigint not null,
            primary key (day, currency, step))"""
    )


def downgrade() -> None:
    op.execute("drop table billing.waterfall_days")
    op.execute("alter table billing.waiting_days drop column oldest")
