"""A statement is priced when somebody looks, or by itself from an instant on: a request says from when, and whether usage alone asked for it."""

from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("alter table rating.marks add column at_once boolean not null default false")
    op.execute("alter table rating.stale drop column priced_us")
    op.execute(
        "alter table rating.stale add column due_us bigint not null default (extract(epoch from clock_timestamp()) * 1000000)::bigint"
    )
    op.execute("alter table rating.stale add column seldom boolean not null default false")
    op.execute("create index stale_due on rating.stale (due_us)")


def downgrade() -> None:
    op.execute("drop index rating.stale_due")
    op.execute("alter table rating.stale drop column seldom")
    op.execute("alter table rating.stale drop column due_us")
    op.execute("alter table rating.stale add column priced_us bigint not null default 0")
    op.execute("alter table rating.marks drop column at_once")
