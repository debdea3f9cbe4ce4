"""What a batch of usage brought is counted by source; since when, is written down: before, only its sum over all sources is known."""

from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("alter table bus.batches add sources jsonb")
    op.execute("create table bus.cuts (name text primary key, at timestamptz not null)")
    # Receipts bear the clock of the door, which may be ahead of this one: on a book that is in use the cut lies a minute ahead.
    op.execute("""insert into bus.cuts (name, at) select 'batch_sources', clock_timestamp() + make_interval(mins => (
        exists (select from bus.batches))::integer)""")


def downgrade() -> None:
    op.execute("drop table bus.cuts")
    op.execute("alter table bus.batches drop sources")
