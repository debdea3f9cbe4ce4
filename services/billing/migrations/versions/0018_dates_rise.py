"""A series knows the day of its last document: dates rise with numbers, from the one that it says. Before, days were of each contract's zone."""

from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("alter table billing.number_series add column issued_on date")
    op.execute("alter table billing.number_series add column dated_from bigint not null default 1")
    op.execute(
        """update billing.number_series series set dated_from = next, issued_on = (
               select max(issued_on) from billing.documents document where document.series = series.series)"""
    )


def downgrade() -> None:
    op.execute("alter table billing.number_series drop column issued_on, drop column dated_from")
