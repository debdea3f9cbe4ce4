"""What corrects a document is found by an index: whoever deleted a draft read all documents and lines for it."""

from alembic import op

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("create index documents_corrects on billing.documents (corrects) where corrects is not null")
    op.execute(
        "create index document_lines_corrects_document on billing.document_lines (corrects_document) "
        "where corrects_document is not null"
    )


def downgrade() -> None:
    op.execute("drop index billing.document_lines_corrects_document")
    op.execute("drop index billing.documents_corrects")
