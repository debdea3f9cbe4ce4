"""What a service keeps of others is called a replica, and its tables what they hold, as in signals: statements."""

from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("alter table billing.statements_heard rename to statements")
    op.execute("alter index billing.statements_heard_pkey rename to statements_pkey")
    op.execute("alter index billing.statements_heard_period rename to statements_period")


def downgrade() -> None:
    op.execute("alter index billing.statements_period rename to statements_heard_period")
    op.execute("alter index billing.statements_pkey rename to statements_heard_pkey")
    op.execute("alter table billing.statements rename to statements_heard")
