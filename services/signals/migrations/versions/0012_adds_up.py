"""A meter says whether its quantities add up: signals knew the aggregations by name, and each new one would have had to be named here too."""

from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("alter table signals.meters add column adds_up boolean")
    op.execute("update signals.meters set adds_up = aggregation in ('count', 'sum')")
    op.execute("alter table signals.meters alter column adds_up set not null, drop column aggregation")


def downgrade() -> None:
    # Nothing but whether a meter adds up was ever asked of the name.
    op.execute("alter table signals.meters add column aggregation text")
    op.execute("update signals.meters set aggregation = case when adds_up then 'sum' else 'unique' end")
    op.execute("alter table signals.meters alter column aggregation set not null, drop column adds_up")
