"""Subjects of which some event may be in suspense are kept: who listed suspense looked for them among all there are."""

from alembic import op

revision = "0051"
down_revision = "0050"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        """create table rating.suspense_candidates (
            subject text collate "C" primary key,
            looked_at timestamptz not null default '-infinity',
            look bigint
        )"""
    )
    op.execute("create index suspense_candidates_looked on rating.suspense_candidates (looked_at, subject)")
    # Each is looked at once, and removed where nothing of it waits.
    op.execute(
        "insert into rating.suspense_candidates (subject) select distinct subject from rating.events order by 1"
    )


def downgrade() -> None:
    op.execute("drop table rating.suspense_candidates")
