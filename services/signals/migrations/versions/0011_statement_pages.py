"""Pages of a statement wait for each other: of a long one only one page was known, and it looked whole."""

from alembic import op

from shared.replica.tables import page_table

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(page_table("signals"))


def downgrade() -> None:
    op.execute("drop table signals.statement_pages")
