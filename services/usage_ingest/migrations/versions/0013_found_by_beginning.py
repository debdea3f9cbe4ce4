"""Events of the quarantine are sorted by code, and found by how their ids and subjects begin."""

from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("create index quarantine_code on usage_ingest.quarantine (code, quarantine_id)")
    op.execute(
        """create index quarantine_id_folded on usage_ingest.quarantine (lower(left(id, 255) collate "pg_c_utf8"))"""
    )
    op.execute(
        """create index quarantine_subject_folded on usage_ingest.quarantine (lower(left(subject, 255) collate "pg_c_utf8"))"""
    )


def downgrade() -> None:
    op.execute("drop index usage_ingest.quarantine_subject_folded")
    op.execute("drop index usage_ingest.quarantine_id_folded")
    op.execute("drop index usage_ingest.quarantine_code")
