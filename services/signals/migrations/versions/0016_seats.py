"""A key may carry seats: whoever decides by it decides for them."""

from alembic import op

from shared.db.tables import seats_of_keys

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(seats_of_keys("signals"))


def downgrade() -> None:
    op.execute("alter table signals.access_keys drop seats")
