"""A line says what of it is paid from balances: its draws stand where its amount does."""

from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("alter table billing.document_lines add column draws jsonb not null default '[]'")
    op.execute("alter table billing.document_lines alter column draws drop default")


def downgrade() -> None:
    op.execute("alter table billing.document_lines drop column draws")
