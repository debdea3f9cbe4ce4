"""Receipts go after their time, their sums by hour stay: `receipts_said` is what all of them said, whichever of the two still says it."""

from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

KEPT = """
create table usage_ingest.receipts_kept (
    one boolean primary key default true check (one),
    since timestamptz not null                            -- a whole hour: the receipts before it are going or gone
);
insert into usage_ingest.receipts_kept (since) values ('-infinity');
create view usage_ingest.receipts_said as
    select r.key_id, r.source, r.received_at, r.hour, 1 as receipts, r.received, r.published, r.quarantined, r.refused
    from usage_ingest.receipts r where r.hour >= (select since from usage_ingest.receipts_kept)
    union all
    select h.key_id, h.source, h.hour as received_at, h.hour, h.receipts, h.received, h.published, h.quarantined, h.refused
    from usage_ingest.door_hours h where h.hour < (select since from usage_ingest.receipts_kept)
"""


def upgrade() -> None:
    op.execute(KEPT)


def downgrade() -> None:
    op.execute("drop view usage_ingest.receipts_said")
    op.execute("drop table usage_ingest.receipts_kept")
