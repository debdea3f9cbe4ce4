"""The close of a month counts its periods."""

from alembic import op

revision = "0046"
down_revision = "0045"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("create index periods_by_end on rating.periods (end_date, contract)")


def downgrade() -> None:
    op.execute("drop index rating.periods_by_end")
