"""What lapses of a block and no document asked for says so: it was never owed, and is no revenue."""

from alembic import op

revision = "0037"
down_revision = "0036"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("alter table rating.block_rows add column unasked_minor bigint")


def downgrade() -> None:
    op.execute("alter table rating.block_rows drop column unasked_minor")
