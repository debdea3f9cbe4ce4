"""Metering has its own use of the quarantine: a row says who refused the event."""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("alter table usage_ingest.quarantine add by text not null default 'door'")
    op.execute(
        "alter table usage_ingest.quarantine add constraint quarantine_by check (by in ('door', 'metering'))"
    )


def downgrade() -> None:
    op.execute("alter table usage_ingest.quarantine drop by")
