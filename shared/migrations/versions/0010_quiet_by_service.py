"""A moved clock asks one service after the other whether it is quiet: the row says which."""

from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("alter table clock.business add quiet_service text not null default '', drop quiet_at")


def downgrade() -> None:
    op.execute(
        "alter table clock.business drop quiet_service, add quiet_at timestamptz not null default clock_timestamp()"
    )
