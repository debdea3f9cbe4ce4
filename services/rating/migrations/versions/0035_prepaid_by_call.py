"""A block that a call grants may be asked for by a document, and costs what is paid for a unit of it; a refund says what it
gives back; an adjustment may take a balance below zero; what returns to a block whose time is over is one of its own."""

from alembic import op

revision = "0035"
down_revision = "0034"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("""
        alter table rating.blocks
            add column document text,
            add column cost_basis numeric,
            add column voided boolean not null default false,
            add column returned_from text references rating.blocks (block_id),
            add column may_be_negative boolean not null default false""")
    op.execute("alter table rating.block_rows add column given_back_minor bigint")
    # So far a prepaid block had to say document: none, and was refunded as it stood.
    op.execute("""
        update rating.blocks set document = 'none', cost_basis = 1
        where kind = 'prepaid' and clauses = '[]'::jsonb""")
    op.execute("""
        update rating.blocks b set voided = true
        where exists (select from rating.block_rows r where r.block_id = b.block_id and r.kind = 'void')""")
    op.execute("update rating.block_rows set given_back_minor = -amount_minor where kind = 'refund'")


def downgrade() -> None:
    op.execute("alter table rating.block_rows drop column given_back_minor")
    op.execute("""
        alter table rating.blocks drop column document, drop column cost_basis,
            drop column voided, drop column returned_from, drop column may_be_negative""")
