"""A statement says its occasion, and a contract and period have one document for each: so far that of the period itself."""

from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for table in ("statements", "documents"):
        op.execute(f"alter table billing.{table} add column occasion text not null default 'period'")
        op.execute(f"alter table billing.{table} alter column occasion drop default")
    op.execute(
        "alter table billing.documents add constraint documents_occasion unique (contract, period_start, occasion)"
    )
    op.execute("drop index billing.documents_invoice")


def downgrade() -> None:
    op.execute(
        "create unique index documents_invoice on billing.documents (contract, period_start) where kind = 'invoice'"
    )
    for table in ("documents", "statements"):
        op.execute(f"alter table billing.{table} drop column occasion")
