"""A key may carry seats: whoever decides by it decides for them."""

from alembic import op

from shared.db.tables import seats_of_keys

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(seats_of_keys("usage_ingest"))


def downgrade() -> None:
    op.execute("alter table usage_ingest.access_keys drop seats")
