"""What people did about an exception is read in the order in which it was done, by whichever process."""

from alembic import op

from shared.db.tables import exception_acts_by_name, exception_acts_in_order

revision = "0032"
down_revision = "0031"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for statement in exception_acts_in_order("signals"):
        op.execute(statement)


def downgrade() -> None:
    for statement in exception_acts_by_name("signals"):
        op.execute(statement)
