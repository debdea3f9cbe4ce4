"""What is paid for a unit of a block may be less than one: the block says it, each change that stays says what it cost, and
a document asks for that."""

from alembic import op

revision = "0048"
down_revision = "0047"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("""
        alter table rating.blocks add column cost_basis numeric,
            add constraint blocks_cost_basis check (cost_basis > 0 and cost_basis < 1)
    """)
    op.execute("alter table rating.block_rows add column cost_minor bigint")
    op.execute(
        "alter table rating.asked_beforehand add column granted_minor bigint, add column cost_basis numeric"
    )


def downgrade() -> None:
    op.execute("alter table rating.asked_beforehand drop column granted_minor, drop column cost_basis")
    op.execute("alter table rating.block_rows drop column cost_minor")
    op.execute("alter table rating.blocks drop column cost_basis")
