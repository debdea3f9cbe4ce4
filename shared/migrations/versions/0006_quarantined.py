"""What metering set aside in the quarantine is counted in the batch row: it is neither stored nor a dead letter."""

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

TILE = "alter table bus.batches add constraint batches_tile check (to_offset > from_offset and to_offset - from_offset = {})"


def upgrade() -> None:
    op.execute("alter table bus.batches add quarantined integer not null default 0 check (quarantined >= 0)")
    op.execute("alter table bus.batches drop constraint batches_tile")
    op.execute(TILE.format("new + duplicate + conflict + void + quarantined + dead + compacted"))


def downgrade() -> None:
    op.execute("alter table bus.batches drop constraint batches_tile")
    op.execute("alter table bus.batches drop quarantined")
    op.execute(TILE.format("new + duplicate + conflict + void + dead + compacted"))
