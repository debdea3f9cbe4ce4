"""When somebody first acknowledged a fact is kept: how long that takes could not be said. Of before, its audit row tells,
where the clock was not moved meanwhile."""

from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("alter table signals.facts add column acknowledged_at timestamptz")
    op.execute("""update signals.facts f set acknowledged_at = a.at
        from (select object_id, min(at) as at from signals.audit
              where verb = 'acknowledge_signal' and object = 'signal' group by 1) a
        where a.object_id = f.signal_id and a.at >= f.occurred_at""")


def downgrade() -> None:
    op.execute("alter table signals.facts drop column acknowledged_at")
