"""What the bus refuses of the outbox waits in a table of its own: one message that is too large stood before all others."""

from alembic import op

from shared.db.tables import outbox_refused

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for statement in outbox_refused("rating").split(";"):
        op.execute(statement)


def downgrade() -> None:
    op.execute("drop table rating.outbox_refused")
