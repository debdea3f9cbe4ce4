"""A block is owed, and given back, at its amount: what is paid for a unit of it was always one, and is gone until it may differ."""

from alembic import op

revision = "0038"
down_revision = "0037"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("alter table rating.blocks drop column cost_basis")
    op.execute("alter table rating.block_rows drop column given_back_minor")


def downgrade() -> None:
    op.execute("alter table rating.block_rows add column given_back_minor bigint")
    op.execute("update rating.block_rows set given_back_minor = -amount_minor where kind = 'refund'")
    op.execute("alter table rating.blocks add column cost_basis numeric")
    op.execute("update rating.blocks set cost_basis = 1 where kind = 'prepaid' and clauses = '[]'::jsonb")
