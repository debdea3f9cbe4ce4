"""What lapsed of a block and no document asked for was posted as breakage of what was paid, before rows said so: each such
lapse is taken back, and made again as one of what nobody was asked for. All rows that stay are told once more, and billing posts
those two: nothing that was posted changes."""

from alembic import op

revision = "0049"
down_revision = "0048"
branch_labels = None
depends_on = None

#: Two rows a block, of the newest business time that a row has: what nobody was asked for of what lapsed, beyond what its
#: rows say of it.
MEND = """
    with lapsed as (
        select b.block_id, b.ends, c.contract,
            coalesce(sum(r.amount_minor) filter (where r.kind = 'grant' and r.period_start is null), 0)
                - coalesce((select sum(coalesce(a.granted_minor, a.amount_minor)) from rating.asked_beforehand a
                    where a.block_id = b.block_id), 0) as unasked_minor,
            coalesce(-sum(r.amount_minor) filter (where r.kind in ('expiry', 'revived')), 0) as lapsed_minor,
            coalesce(-sum(r.unasked_minor), 0) as known_minor
        from rating.blocks b join rating.block_rows r using (block_id)
        join rating.block_contracts c on c.block_id = b.block_id and c.position = 0
        where b.asked_for and b.over group by b.block_id, c.contract
    ),
    wrong as (
        select block_id, ends, least(unasked_minor, lapsed_minor)::bigint - known_minor::bigint as minor from lapsed
        where least(unasked_minor, lapsed_minor) > known_minor
    )
    insert into rating.block_rows (block_id, kind, amount_minor, at, recorded_at, cause, unasked_minor)
    select block_id, kind, sign * minor, ends, (select max(recorded_at) from rating.block_rows), 'never_asked',
        case when sign < 0 then -minor end
    from wrong cross join (values (1, 'revived'), (-1, 'expiry')) of (sign, kind)
    order by block_id, sign desc
"""
AGAIN = "delete from rating.retold where topic = 'rating.block_rows' and exists (select from rating.block_rows where cause = 'never_asked')"


def upgrade() -> None:
    op.execute(MEND)
    op.execute(AGAIN)


def downgrade() -> None:
    """What was posted stays posted."""
