"""The checks look for a statement by its contract and period; without an index each of them read all statements there are."""

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("create index statements_heard_period on billing.statements_heard (contract, period_start)")


def downgrade() -> None:
    op.execute("drop index billing.statements_heard_period")
