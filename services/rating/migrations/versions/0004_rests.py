"""A request says when its statement was priced last: finding what may be priced is then one walk over the requests, however many wait."""

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("alter table rating.stale add column priced_us bigint not null default 0")


def downgrade() -> None:
    op.execute("alter table rating.stale drop column priced_us")
