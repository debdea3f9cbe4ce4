"""A moved clock asks whether everything is quiet before it passes a due instant; each running instance answers in its own row."""

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        "alter table clock.business add quiet_request bigint not null default 0, add quiet_at timestamptz not null default clock_timestamp()"
    )
    op.execute("alter table clock.instances add quiet_request bigint not null default 0")


def downgrade() -> None:
    op.execute("alter table clock.instances drop quiet_request")
    op.execute("alter table clock.business drop quiet_request, drop quiet_at")
