"""Of a statement signals keeps what an evaluation reads, not the statement: every draft revision was parsed and stored for nobody."""

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("alter table signals.statements drop column document")


def downgrade() -> None:
    op.execute("alter table signals.statements add column document jsonb not null default '{}'::jsonb")
