"""A key may be bound to sources, and idempotency keys are found by their age."""

from alembic import op

from shared.db.tables import bound_keys

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(bound_keys("usage_ingest"))


def downgrade() -> None:
    op.execute("drop index usage_ingest.idempotency_keys_age")
    op.execute("alter table usage_ingest.access_keys drop sources")
