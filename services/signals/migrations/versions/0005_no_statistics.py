"""Nothing is ever sought by what stands in these columns, and their tables change whole within seconds under load: no statistics of them."""

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

COLUMNS = (
    ("activity", "hours"),
    ("activity", "items"),
    ("rollups", "days"),
    ("rollups", "weeks"),
    ("rollups", "day_values"),
    ("statements", "capacity"),
)


def upgrade() -> None:
    for table, column in COLUMNS:
        op.execute(f"alter table signals.{table} alter column {column} set statistics 0")


def downgrade() -> None:
    for table, column in COLUMNS:
        op.execute(f"alter table signals.{table} alter column {column} set statistics -1")
