"""An alias can be taken back: which subjects left whom, and the final statements a subject is on."""

from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        """create table rating.departed_subjects (
               subject text collate "C", customer_id text references rating.customers, left_at timestamptz not null,
               stamped_at timestamptz not null default clock_timestamp(), primary key (subject, customer_id))"""
    )
    op.execute("create index closed_subjects_subject on rating.closed_subjects (subject)")


def downgrade() -> None:
    op.execute("drop index rating.closed_subjects_subject")
    op.execute("drop table rating.departed_subjects")
