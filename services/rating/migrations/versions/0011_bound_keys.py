"""A key may be bound to sources, and idempotency keys are found by their age."""

from alembic import op

from shared.db.tables import bound_keys

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(bound_keys("rating"))


def downgrade() -> None:
    op.execute("drop index rating.idempotency_keys_age")
    op.execute("alter table rating.access_keys drop sources")
