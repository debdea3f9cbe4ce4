"""What people did about an exception is read in the order in which it was done, by whichever process."""

from alembic import op

from shared.db.tables import exception_acts_by_name, exception_acts_in_order

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for statement in exception_acts_in_order("usage_ingest"):
        op.execute(statement)


def downgrade() -> None:
    for statement in exception_acts_by_name("usage_ingest"):
        op.execute(statement)
