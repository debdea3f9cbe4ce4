"""A draft says why the statement it follows is on hold."""

from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("alter table billing.documents add column held jsonb")


def downgrade() -> None:
    op.execute("alter table billing.documents drop column held")
