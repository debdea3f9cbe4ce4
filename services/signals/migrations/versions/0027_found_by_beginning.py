"""Customers and their signals are found by how a name begins."""

from alembic import op

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        """create index customers_external_id_begins on signals.customers (lower(external_id collate "pg_c_utf8"))"""
    )
    op.execute(
        """create index customers_name_begins on signals.customers (lower(name collate "pg_c_utf8"))"""
    )
    op.execute(
        """create index facts_customer_begins on signals.facts (lower(customer collate "pg_c_utf8"))"""
    )


def downgrade() -> None:
    op.execute("drop index signals.facts_customer_begins")
    op.execute("drop index signals.customers_name_begins")
    op.execute("drop index signals.customers_external_id_begins")
