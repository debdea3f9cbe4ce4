"""An event is looked for in the quarantine by its id, of which the first characters are enough to find it."""

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("create index quarantine_id_begins on usage_ingest.quarantine (left(id, 255), quarantine_id)")


def downgrade() -> None:
    op.execute("drop index usage_ingest.quarantine_id_begins")
