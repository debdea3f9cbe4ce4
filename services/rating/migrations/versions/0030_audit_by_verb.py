"""Who changed what, by the operation that did it: an index, where asking for a verb read every row."""

from alembic import op

revision = "0030"
down_revision = "0029"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("create index audit_verb on rating.audit (verb, at)")


def downgrade() -> None:
    op.execute("drop index rating.audit_verb")
