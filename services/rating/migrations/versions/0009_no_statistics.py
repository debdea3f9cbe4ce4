"""Nothing is ever sought by what stands in these columns, and their tables change whole within seconds under load: no statistics of them."""

from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

COLUMNS = (
    ("statements", "said"),
    ("statements", "watermark"),
    ("statements", "opening"),
    ("statements", "closing"),
    ("outbox", "key"),
    ("outbox", "value"),
    ("outbox", "headers"),
)


def upgrade() -> None:
    for table, column in COLUMNS:
        op.execute(f"alter table rating.{table} alter column {column} set statistics 0")


def downgrade() -> None:
    for table, column in COLUMNS:
        op.execute(f"alter table rating.{table} alter column {column} set statistics -1")
