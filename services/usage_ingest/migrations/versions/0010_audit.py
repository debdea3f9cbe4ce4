"""Who changed what, in a table that takes rows and never gives one up; answers kept for an Idempotency-Key are sealed."""

from alembic import op

from shared.db.tables import append_only_audit

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(append_only_audit("usage_ingest"))


def downgrade() -> None:
    op.execute("delete from usage_ingest.idempotency_keys where sealed")
    op.execute("alter table usage_ingest.idempotency_keys drop column sealed")
    op.execute("drop table usage_ingest.audit")
    op.execute("drop function usage_ingest.refuse_change_of_audit()")
