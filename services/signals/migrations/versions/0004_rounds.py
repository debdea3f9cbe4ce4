"""A delivery counts how often it was queued: what becomes of an attempt of an earlier round says nothing of the replay that waits."""

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("alter table signals.deliveries add round integer not null default 1")


def downgrade() -> None:
    op.execute("alter table signals.deliveries drop round")
