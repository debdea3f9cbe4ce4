"""Whoever has a role's password writes only the topics that service produces: the log asks who it is, row by row.

`bus.topic_writers` is filled from the topic registry by every `u2c migrate` (shared/postgres/privileges.py). A topic it does not name is nobody's
in particular: those of tests and of measurements.
"""

from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

WRITERS = """
create table bus.topic_writers (
    topic text not null,
    role text not null,
    appends boolean not null,                             -- false: it only trims what retention allows to go
    primary key (topic, role)
);
alter table bus.heads enable row level security;
create policy heads_read on bus.heads for select using (true);
create policy heads_new on bus.heads for insert with check (head = 0);
create policy heads_moved on bus.heads for update using (true) with check (
    topic in (select w.topic from bus.topic_writers w where w.role = current_user and w.appends)
    or topic not in (select w.topic from bus.topic_writers w));
alter table bus.segments enable row level security;
create policy segments_read on bus.segments for select using (true);
create policy segments_appended on bus.segments for insert with check (
    topic in (select w.topic from bus.topic_writers w where w.role = current_user and w.appends)
    or topic not in (select w.topic from bus.topic_writers w));
create policy segments_trimmed on bus.segments for delete using (
    topic in (select w.topic from bus.topic_writers w where w.role = current_user)
    or topic not in (select w.topic from bus.topic_writers w))
"""


def upgrade() -> None:
    op.execute(WRITERS)


def downgrade() -> None:
    for table, policies in (
        ("heads", ("read", "new", "moved")),
        ("segments", ("read", "appended", "trimmed")),
    ):
        for policy in policies:
            op.execute(f"drop policy {table}_{policy} on bus.{table}")
        op.execute(f"alter table bus.{table} disable row level security")
    op.execute("drop table bus.topic_writers")
