"""Finalized documents are found by the month in which their periods end: that is how a close is looked at."""

from alembic import op

revision = "0040"
down_revision = "0039"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        "create index documents_ends on billing.documents (end_date, document_id) where status = 'finalized'"
    )


def downgrade() -> None:
    op.execute("drop index billing.documents_ends")
