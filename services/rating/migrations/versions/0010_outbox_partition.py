"""An outbox row is keyed by the whole identity of what it tells, and says the partition beside it. Rows of before are published as they are."""

from alembic import op

from shared.db.tables import outbox_partition

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(outbox_partition("rating"))


def downgrade() -> None:
    op.execute("alter table rating.outbox drop column partition")
