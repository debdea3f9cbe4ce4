"""The business clock: one row that may be moved forward, and who has acknowledged it."""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

TABLES = """
create table clock.business (
    one boolean primary key default true check (one),
    moved_to timestamptz,
    revision bigint not null default 0,
    set_at timestamptz not null default clock_timestamp()
);
insert into clock.business default values;
create table clock.instances (
    instance_id text primary key,
    service text not null,
    seen_at timestamptz not null default clock_timestamp(),
    acked_revision bigint not null
);
"""


def upgrade() -> None:
    for statement in TABLES.strip().split(";\n"):  # asyncpg prepares one statement at a time
        op.execute(statement)
