"""The newest finalized documents are found without the drafts, all of which are newer: a million invoices of 100,000 customers had
as many drafts before the first."""

from alembic import op

revision = "0043"
down_revision = "0042"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        "create index documents_finalized on billing.documents (document_id) where status = 'finalized'"
    )


def downgrade() -> None:
    op.execute("drop index billing.documents_finalized")
