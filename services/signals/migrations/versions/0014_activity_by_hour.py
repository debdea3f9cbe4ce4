"""Of a day of activity each hour has a revision of its own, and its users, teams and features have one: an hour is
told when it changes, not the day again. What was told of whole days stays as it is: hours without a revision have
that of their row."""

from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("alter table signals.activity add column items_revision bigint not null default 0")


def downgrade() -> None:
    op.execute("""update signals.activity a set (hours, revision) = (
            select coalesce(jsonb_object_agg(key, jsonb_build_array(value->0, value->1))
                filter (where (value->>0)::bigint > 0), '{}'::jsonb),
                greatest(a.revision, a.items_revision, max((value->>2)::bigint))
            from jsonb_each(a.hours))""")
    op.execute("alter table signals.activity drop column items_revision")
