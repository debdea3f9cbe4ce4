"""Activity is told by the fold, on a topic of its own: nothing is marked for it any more but subjects that are told
again. What was told of whole days needs no telling again."""

from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("alter table rating.activity_due rename to activity_due_before")
    op.execute("""create table rating.activity_due (
        subject text collate "C" primary key, after date not null default '-infinity',
        since timestamptz not null default clock_timestamp()
    )""")
    op.execute("""insert into rating.activity_due (subject)
        select subject from rating.activity_due_before union select subject from rating.activity_marks""")
    op.execute("""insert into rating.retold (topic, told, done_at)
        select 'rating.active_hours', told, done_at from rating.retold
            where topic = 'rating.activity' and done_at is not null""")
    op.execute("drop table rating.activity_due_before, rating.activity_marks")


def downgrade() -> None:
    raise NotImplementedError("the fold before this cannot be gone back to; restore a backup instead")
