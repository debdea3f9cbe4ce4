"""Snapshots are told once more under the key that is their whole identity: what a broker compacted away under the old one comes back."""

from alembic import op

from shared.db.tables import retold_table

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(retold_table("usage_ingest"))


def downgrade() -> None:
    op.execute("drop table usage_ingest.retold")
