"""A posting names the block whose balance it changes. Draws that were posted before are told which: they stand in the lines
of their documents in the order in which they were posted."""

from alembic import op

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None

DRAWS = """
    with drawn as (
        select l.document_id, l.line_id, draw ->> 'block' as block, (draw ->> 'amount_minor')::bigint as amount_minor,
            case draw ->> 'kind' when 'promotional' then 'revenue.promotional' else 'credits_liability' end as account,
            l.position, place
        from billing.document_lines l join billing.documents d using (document_id)
        cross join lateral jsonb_array_elements(l.draws) with ordinality said (draw, place)
        where d.status = 'finalized' and (draw ->> 'amount_minor')::bigint <> 0
    ),
    said as (
        select *, row_number() over (
            partition by document_id, line_id, account, amount_minor order by position, place) as turn
        from drawn
    ),
    posted as (
        select p.entry_id, p.position, e.source_id as document_id, p.line_id, p.account, p.amount_minor, row_number() over (
            partition by p.entry_id, p.line_id, p.account, p.amount_minor order by p.position) as turn
        from billing.journal_postings p join billing.journal_entries e using (entry_id)
        where e.source_kind = 'document' and p.account in ('revenue.promotional', 'credits_liability')
    )
    update billing.journal_postings p set block_id = s.block
    from posted o join said s using (document_id, line_id, account, amount_minor, turn)
    where (p.entry_id, p.position) = (o.entry_id, o.position)
"""
UPGRADE = (
    "alter table billing.journal_postings add column block_id text",
    # What was posted stays as it was: a posting is told what its document says.
    "alter table billing.journal_postings disable trigger journal_postings_history",
    DRAWS,
    "alter table billing.journal_postings enable trigger journal_postings_history",
    "create index journal_postings_block on billing.journal_postings (block_id) where block_id is not null",
)


def upgrade() -> None:
    for statement in UPGRADE:
        op.execute(statement)


def downgrade() -> None:
    op.execute("alter table billing.journal_postings drop column block_id")
