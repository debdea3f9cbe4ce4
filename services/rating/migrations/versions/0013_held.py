"""What is new for a held statement is priced at once, and a meter that is changed marks the days it no longer counts too.

A request says whether it only repeats one that failed. A back-fill keeps the days its meter had usage on before it began.
"""

from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("alter table rating.stale add column retry boolean not null default false")
    op.execute(
        """create table rating.backfill_days (
               meter text collate "C" references rating.backfills, subject text collate "C", day date, primary key (meter, subject, day))"""
    )


def downgrade() -> None:
    op.execute("drop table rating.backfill_days")
    op.execute("alter table rating.stale drop column retry")
