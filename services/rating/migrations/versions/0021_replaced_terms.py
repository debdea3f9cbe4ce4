"""Items of a meter's terms that nobody reads any more are removed: what was replaced before this, too."""

from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("""create table rating.replaced_terms (
        meter text collate "C", since bigint, after bigint not null default 0, primary key (meter, since)
    )""")
    op.execute("""insert into rating.replaced_terms (meter, since)
        select distinct v.meter, v.counts_since from rating.meter_versions v join rating.meters m using (meter)
        where v.counts_since <> m.counts_since and v.aggregation = 'unique'""")


def downgrade() -> None:
    op.execute("drop table rating.replaced_terms")
