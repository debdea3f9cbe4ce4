"""A meter's versions are kept whole; those of today are the first that are known."""

from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        """create table rating.meter_versions (
               meter text collate "C", revision bigint, event_type text collate "C" not null, aggregation text not null, field text,
               missing text not null, group_by text[] not null, filters jsonb not null, list_currency varchar(3), list_unit numeric, role text,
               heartbeat_s integer, cut jsonb not null, recorded_at timestamptz not null, stamped_at timestamptz not null default clock_timestamp(),
               primary key (meter, revision))"""
    )
    op.execute(
        """insert into rating.meter_versions (meter, revision, event_type, aggregation, field, missing, group_by, filters, list_currency, list_unit,
               role, heartbeat_s, cut, recorded_at)
           select meter, m.revision, event_type, aggregation, field, missing, group_by, filters, list_currency, list_unit, role, heartbeat_s,
               coalesce(b.cut, '{}'), m.created_at
           from rating.meters m left join rating.backfills b using (meter)"""
    )
    op.execute(
        """create trigger version_is_history before update or delete on rating.meter_versions
               for each row execute function rating.refuse_change_of_history()"""
    )
    op.execute(
        """create trigger no_truncate before truncate on rating.meter_versions execute function rating.refuse_change_of_history()"""
    )


def downgrade() -> None:
    op.execute("drop table rating.meter_versions")
