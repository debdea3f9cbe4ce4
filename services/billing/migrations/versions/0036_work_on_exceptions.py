"""People work on exceptions: whose each is, what is to be known about it, and by whose word it is resolved."""

from alembic import op

from shared.db.tables import exception_acts_table

revision = "0036"
down_revision = "0035"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for statement in exception_acts_table("billing").split(";\n"):
        op.execute(statement)


def downgrade() -> None:
    op.execute("drop table billing.exception_acts")
