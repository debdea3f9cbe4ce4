"""A key may be bound to sources, and idempotency keys are found by their age."""

from alembic import op

from shared.db.tables import bound_keys

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(bound_keys("billing"))


def downgrade() -> None:
    op.execute("drop index billing.idempotency_keys_age")
    op.execute("alter table billing.access_keys drop sources")
