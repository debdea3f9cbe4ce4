"""The aggregates' keys lead from subject and meter to the time, then to the group.

A day of a subject and meter is then one run of neighbours, however many groups it has and however long its history is: with the group first,
each reading of a day walked over every hour there ever was.
"""

from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

KEYS = {
    "usage_hours": ("hour", "grp"),
    "usage_days": ("day", "grp"),
    "usage_uniques": ("hour", "grp", "item"),
}
BEFORE = {
    "usage_hours": ("grp", "hour"),
    "usage_days": ("grp", "day"),
    "usage_uniques": ("grp", "hour", "item"),
}


def upgrade() -> None:
    _rekey(KEYS)


def downgrade() -> None:
    _rekey(BEFORE)


def _rekey(keys: dict[str, tuple[str, ...]]) -> None:
    for table, columns in keys.items():
        op.execute(
            f"alter table rating.{table} drop constraint {table}_pkey, add primary key (subject, meter, {', '.join(columns)})"
        )
