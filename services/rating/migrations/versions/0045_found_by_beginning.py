"""Customers and contracts are sorted, and found by how their names begin."""

from alembic import op

revision = "0045"
down_revision = "0039"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("create index customers_by_name on rating.customers (name, external_id)")
    op.execute("create index customers_by_creation on rating.customers (created_at, external_id)")
    op.execute(
        """create index customers_external_id_begins on rating.customers (lower(external_id collate "pg_c_utf8"))"""
    )
    op.execute("""create index customers_name_begins on rating.customers (lower(name collate "pg_c_utf8"))""")
    op.execute("create index contracts_by_creation on rating.contracts (created_at, contract)")
    op.execute("""create index contracts_begins on rating.contracts (lower(contract collate "pg_c_utf8"))""")


def downgrade() -> None:
    op.execute("drop index rating.contracts_begins")
    op.execute("drop index rating.contracts_by_creation")
    op.execute("drop index rating.customers_name_begins")
    op.execute("drop index rating.customers_external_id_begins")
    op.execute("drop index rating.customers_by_creation")
    op.execute("drop index rating.customers_by_name")
