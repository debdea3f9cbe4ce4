"""Who changed what, in a table that takes rows and never gives one up; answers kept for an Idempotency-Key are sealed."""

from alembic import op

from shared.db.tables import append_only_audit

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(append_only_audit("rating"))


def downgrade() -> None:
    op.execute("delete from rating.idempotency_keys where sealed")
    op.execute("alter table rating.idempotency_keys drop column sealed")
    op.execute("drop table rating.audit")
    op.execute("drop function rating.refuse_change_of_audit()")
