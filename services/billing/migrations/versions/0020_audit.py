"""Who changed what, in a table that takes rows and never gives one up; answers kept for an Idempotency-Key are sealed."""

from alembic import op

from shared.db.tables import append_only_audit

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(append_only_audit("billing"))


def downgrade() -> None:
    op.execute("delete from billing.idempotency_keys where sealed")
    op.execute("alter table billing.idempotency_keys drop column sealed")
    op.execute("drop table billing.audit")
    op.execute("drop function billing.refuse_change_of_audit()")
