"""A signal is somebody's, and people write down what they found out about it."""

from alembic import op

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("alter table signals.facts add column assignee text")
    op.execute(
        "create index facts_assignee on signals.facts (assignee, occurred_at) where assignee is not null"
    )
    op.execute("""
create table signals.fact_notes (
    note_id bigint generated always as identity primary key,
    signal_id text not null,
    by text not null,
    at timestamptz not null,
    text text not null)""")
    op.execute("create index fact_notes_signal on signals.fact_notes (signal_id, note_id)")


def downgrade() -> None:
    op.execute("drop table signals.fact_notes")
    op.execute("alter table signals.facts drop column assignee")
