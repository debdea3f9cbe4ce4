"""What the bus refuses of the outbox waits in a table of its own: one message that is too large stood before all others."""

from alembic import op

from shared.db.tables import outbox_refused

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for statement in outbox_refused("billing").split(";"):
        op.execute(statement)


def downgrade() -> None:
    op.execute("drop table billing.outbox_refused")
