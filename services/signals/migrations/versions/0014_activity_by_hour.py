"""Of a day of activity each hour has a revision of its own, and its users, teams and features have one: an hour is
told when it changes, not the day again. What was told of whole days stays as it is: hours without a revision have
that of their row."""

from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


WAITING = "create index activity_waiting on signals.activity (customer_id) where {}"


def upgrade() -> None:
    op.execute("""alter table signals.activity add column items_revision bigint not null default 0,
        add column rolled_hours jsonb, add column rolled_customer_id text""")
    op.execute("drop index signals.activity_waiting")
    op.execute(WAITING.format("not folded and (customer_id is not null or rolled_customer_id is not null)"))
    op.execute("""create index activity_rolled on signals.activity (rolled_customer_id)
        where rolled_customer_id is not null""")


def downgrade() -> None:
    """What a roll-up does not have as it is begins again."""
    op.execute("""with again as (select distinct rolled_customer_id as customer_id from signals.activity
            where rolled_customer_id is not null),
        forgotten as (delete from signals.rollups r using again where r.customer_id = again.customer_id)
        update signals.activity a set folded = false from again where a.customer_id = again.customer_id""")
    op.execute("""update signals.activity a set (hours, revision) = (
            select coalesce(jsonb_object_agg(key, jsonb_build_array(value->0, value->1))
                filter (where (value->>0)::bigint > 0), '{}'::jsonb),
                greatest(a.revision, a.items_revision, max((value->>2)::bigint))
            from jsonb_each(a.hours))""")
    op.execute("drop index signals.activity_waiting, signals.activity_rolled")
    op.execute("""alter table signals.activity drop column items_revision, drop column rolled_hours,
        drop column rolled_customer_id""")
    op.execute(WAITING.format("not folded and customer_id is not null"))
