"""How often an endpoint was reached, and when last, is found without reading its log."""

from alembic import op

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("create index deliveries_delivered on signals.deliveries (endpoint_id, delivered_at)")
    op.execute("create index attempts_made on signals.attempts (business_at)")


def downgrade() -> None:
    op.execute("drop index signals.attempts_made")
    op.execute("drop index signals.deliveries_delivered")
