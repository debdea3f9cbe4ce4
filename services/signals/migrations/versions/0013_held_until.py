"""A customer whose contract cannot be read waits, and is looked at again: the evaluation of everybody claimed beside it stopped there."""

from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("alter table signals.customer_states add column held_until timestamptz")


def downgrade() -> None:
    op.execute("alter table signals.customer_states drop column held_until")
