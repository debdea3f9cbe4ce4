"""Activity is told for the event types that came, not for all a subject ever sent that day; '' in a mark stands for all of them."""

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("alter table rating.activity_marks add column type text collate \"C\" not null default ''")
    op.execute(
        "insert into rating.activity_marks (subject, day) select subject, day from rating.activity_due"
    )
    op.execute("truncate rating.activity_due")
    op.execute('alter table rating.activity_due add column type text collate "C" not null')
    op.execute(
        "alter table rating.activity_due drop constraint activity_due_pkey, add primary key (subject, day, type)"
    )


def downgrade() -> None:
    op.execute(
        "insert into rating.activity_marks (subject, day) select subject, day from rating.activity_due"
    )
    op.execute("truncate rating.activity_due")
    op.execute(
        "alter table rating.activity_due drop constraint activity_due_pkey, add primary key (subject, day)"
    )
    op.execute("alter table rating.activity_due drop column type")
    op.execute("alter table rating.activity_marks drop column type")
