"""Checks of the books are kept: who asked, how far each is, and what each of the five found."""

from alembic import op

revision = "0037"
down_revision = "0036"
branch_labels = None
depends_on = None

TABLES = (
    """create table billing.conservation_checks (
        check_id text primary key,
        by text not null,
        state text not null default 'waiting',
        asked_at timestamptz not null default clock_timestamp(),
        began_at timestamptz,
        done_at timestamptz,
        attempts integer not null default 0,
        fault text,
        constraint conservation_checks_state check (state in ('waiting', 'running', 'done')))""",
    "create unique index conservation_checks_waiting on billing.conservation_checks (state) where state = 'waiting'",
    "create index conservation_checks_unfinished on billing.conservation_checks (state, check_id) where state <> 'done'",
    "create index conservation_checks_done on billing.conservation_checks (done_at) where state = 'done'",
    """create table billing.conservation_results (
        check_id text not null references billing.conservation_checks,
        k text not null,
        taken_at timestamptz not null,
        watermark jsonb not null,
        seconds numeric not null,
        holds boolean not null,
        breaks_total bigint not null,
        said jsonb not null,
        primary key (check_id, k))""",
)


def upgrade() -> None:
    for statement in TABLES:
        op.execute(statement)


def downgrade() -> None:
    op.execute("drop table billing.conservation_results")
    op.execute("drop table billing.conservation_checks")
