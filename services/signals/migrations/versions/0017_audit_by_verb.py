"""Who changed what, by the operation that did it: an index, where asking for a verb read every row."""

from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("create index audit_verb on signals.audit (verb, at)")


def downgrade() -> None:
    op.execute("drop index signals.audit_verb")
