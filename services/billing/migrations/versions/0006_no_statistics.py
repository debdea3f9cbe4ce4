"""Nothing is ever sought by what stands in these columns, and their tables change whole within seconds under load: no statistics of them."""

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

COLUMNS = (
    ("statements_heard", "said"),
    ("statements_heard", "watermark"),
    ("documents", "watermark"),
    ("outbox", "key"),
    ("outbox", "value"),
    ("outbox", "headers"),
)


def upgrade() -> None:
    for table, column in COLUMNS:
        op.execute(f"alter table billing.{table} alter column {column} set statistics 0")


def downgrade() -> None:
    for table, column in COLUMNS:
        op.execute(f"alter table billing.{table} alter column {column} set statistics -1")
