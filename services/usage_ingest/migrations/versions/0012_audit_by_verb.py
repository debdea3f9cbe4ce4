"""Who changed what, by the operation that did it: an index, where asking for a verb read every row."""

from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("create index audit_verb on usage_ingest.audit (verb, at)")


def downgrade() -> None:
    op.execute("drop index usage_ingest.audit_verb")
