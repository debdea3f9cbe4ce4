"""An outbox row is keyed by the whole identity of what it tells, and says the partition beside it. Rows of before are published as they are."""

from alembic import op

from shared.db.tables import outbox_partition

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(outbox_partition("billing"))


def downgrade() -> None:
    op.execute("alter table billing.outbox drop column partition")
