"""A dead letter remembers when it was published again, after what was wrong with it or with its handler had been mended."""

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("alter table bus.dead_letters add replayed_at timestamptz")


def downgrade() -> None:
    op.execute("alter table bus.dead_letters drop replayed_at")
