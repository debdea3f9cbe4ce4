"""What is written again and again is not compressed: that was a seventh of what Postgres spent on a revision.

A page holds a statement and its next revision."""

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("alter table rating.statements set (toast_tuple_target = 8160, fillfactor = 45)")
    op.execute("alter table rating.outbox set (toast_tuple_target = 8160)")


def downgrade() -> None:
    op.execute("alter table rating.outbox reset (toast_tuple_target)")
    op.execute("alter table rating.statements set (fillfactor = 70)")
    op.execute("alter table rating.statements reset (toast_tuple_target)")
