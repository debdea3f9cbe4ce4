"""The contracts of a customer are found by its id, as they are asked for: the index was by its name, and each look read all of
them."""

from alembic import op

revision = "0033"
down_revision = "0032"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("create index contracts_customer_id on signals.contracts (customer_id)")


def downgrade() -> None:
    op.execute("drop index signals.contracts_customer_id")
