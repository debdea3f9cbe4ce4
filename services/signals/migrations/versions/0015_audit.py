"""Who changed what, in a table that takes rows and never gives one up; answers kept for an Idempotency-Key are sealed."""

from alembic import op

from shared.db.tables import append_only_audit

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(append_only_audit("signals"))


def downgrade() -> None:
    op.execute("delete from signals.idempotency_keys where sealed")
    op.execute("alter table signals.idempotency_keys drop column sealed")
    op.execute("drop table signals.audit")
    op.execute("drop function signals.refuse_change_of_audit()")
