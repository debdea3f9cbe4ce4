"""A draw on what was asked for as short of a commitment was posted as paid beforehand, which nobody had: an entry a document
moves it to the revenue that it takes back. What was posted stays."""

from alembic import op

revision = "0030"
down_revision = "0029"
branch_labels = None
depends_on = None

#: Each document with such postings gets an entry of its own, once, on the day on which the journal stands.
MOVE = """
    with drawn as materialized (
        select distinct l.document_id, l.line_id, draw ->> 'block' as block_id
        from billing.document_lines l join billing.documents d using (document_id)
        cross join lateral jsonb_array_elements(l.draws) draw
        where d.status = 'finalized' and draw ->> 'kind' = 'shortfall'
    ),
    posted as materialized (
        select e.source_id, e.contract, e.customer, p.currency, p.block_id, sum(p.amount_minor)::bigint as minor
        from billing.journal_entries e join billing.journal_postings p using (entry_id)
        join drawn s on (s.document_id, s.line_id, s.block_id) = (e.source_id, p.line_id, p.block_id)
        where e.source_kind = 'document' and e.event = 'finalized' and p.account = 'credits_liability'
            and not exists (select from billing.journal_entries m
                where (m.source_kind, m.source_id, m.event) = ('document', e.source_id, 'shortfall_moved'))
        group by 1, 2, 3, 4, 5 having sum(p.amount_minor) <> 0
    ),
    entry as (
        insert into billing.journal_entries (entry_id, source_kind, source_id, event, contract, customer, currency,
            posted_on, description)
        select distinct 'jou_' || left(md5('shortfall_moved' || source_id), 22), 'document', source_id,
            'shortfall_moved', contract, customer, currency, (select max(posted_on) from billing.journal_entries),
            'draws on what was short of a commitment, posted as paid beforehand'
        from posted returning entry_id, source_id
    ),
    side as (
        select source_id, currency, block_id, account, sign * minor as amount_minor
        from posted cross join (values ('revenue.shortfall', 1), ('credits_liability', -1)) of (account, sign)
    )
    insert into billing.journal_postings (entry_id, position, account, amount_minor, currency, block_id)
    select entry_id, row_number() over (partition by entry_id order by block_id, account desc), account,
        amount_minor, currency, block_id
    from entry join side using (source_id)
"""


def upgrade() -> None:
    op.execute(MOVE)


def downgrade() -> None:
    """What was posted stays posted."""
