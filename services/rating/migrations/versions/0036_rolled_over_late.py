"""A correction may be the first to let something roll over to a block, which no closing hands on then."""

from alembic import op

revision = "0036"
down_revision = "0035"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("alter table rating.blocks add column by_correction boolean not null default false")


def downgrade() -> None:
    op.execute("alter table rating.blocks drop column by_correction")
