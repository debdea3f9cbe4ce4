"""A line is kept with the steps that led to its amount. Those that were finalized before have none, and none are made up
for them."""

from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("alter table billing.statements add column explanation text")
    op.execute("alter table billing.document_lines add column steps jsonb")


def downgrade() -> None:
    op.execute("alter table billing.document_lines drop column steps")
    op.execute("alter table billing.statements drop column explanation")
