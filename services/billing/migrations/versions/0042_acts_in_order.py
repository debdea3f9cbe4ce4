"""What people did about an exception is read in the order in which it was done, by whichever process."""

from alembic import op

from shared.db.tables import exception_acts_by_name, exception_acts_in_order

revision = "0042"
down_revision = "0041"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for statement in exception_acts_in_order("billing"):
        op.execute(statement)


def downgrade() -> None:
    for statement in exception_acts_by_name("billing"):
        op.execute(statement)
