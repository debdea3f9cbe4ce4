"""The quarantine is summarized by code, source and day."""

from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        "create index quarantine_summary on usage_ingest.quarantine (status, code, source, received_at)"
    )


def downgrade() -> None:
    op.execute("drop index usage_ingest.quarantine_summary")
