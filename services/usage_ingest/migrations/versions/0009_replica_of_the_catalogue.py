"""The transaction that stored a row of the replica is called so: what a service keeps of others is called a replica."""

from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

TABLES = ("meters", "customers")


def upgrade() -> None:
    for table in TABLES:
        op.execute(f"alter table usage_ingest.{table} rename column heard_xid to stored_xid")
        op.execute(f"alter index usage_ingest.{table}_heard rename to {table}_stored")


def downgrade() -> None:
    for table in TABLES:
        op.execute(f"alter index usage_ingest.{table}_stored rename to {table}_heard")
        op.execute(f"alter table usage_ingest.{table} rename column stored_xid to heard_xid")
