"""Customers are sorted by what is at stake and how sure it is that they are being lost. Who is evaluated next has both;
no evaluation of before says them."""

from alembic import op

revision = "0025"
down_revision = "0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("""alter table signals.roster add column score_p numeric,
        add column currencies text[] not null default '{}', add column stakes numeric[] not null default '{}'""")


def downgrade() -> None:
    op.execute(
        """alter table signals.roster drop column score_p, drop column currencies, drop column stakes"""
    )
