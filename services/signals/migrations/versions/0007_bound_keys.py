"""A key may be bound to sources, and idempotency keys are found by their age."""

from alembic import op

from shared.db.tables import bound_keys

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(bound_keys("signals"))


def downgrade() -> None:
    op.execute("drop index signals.idempotency_keys_age")
    op.execute("alter table signals.access_keys drop sources")
