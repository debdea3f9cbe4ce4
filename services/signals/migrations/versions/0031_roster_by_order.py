"""Each order of the roster is found by an index, a row a customer, and for what is at stake a row a customer and currency: who
opened a page sorted all customers."""

from alembic import op

revision = "0031"
down_revision = "0030"
branch_labels = None
depends_on = None

RENEWAL = "((renews_on - date '1970-01-01')::bigint)"
INDEXES = {
    "roster_by_risk": "(risk_rank, external_id)",
    "roster_by_renewal": f"({RENEWAL}, external_id) where renews_on is not null",
    "roster_at_risk": f"({RENEWAL}, external_id) where at_risk",
}
STAKES = """create table signals.roster_stakes (
    customer_id text not null,
    currency text not null,
    external_id text not null,
    rank bigint not null,
    primary key (customer_id, currency)
)"""
OF_THE_ROSTER = """insert into signals.roster_stakes (customer_id, currency, external_id, rank)
    select r.customer_id, stake.currency, r.external_id, -round(10000 * stake.amount * coalesce(r.score_p, 0))
    from signals.roster r cross join lateral unnest(r.currencies, r.stakes) stake (currency, amount)"""


def upgrade() -> None:
    op.execute(
        """alter table signals.roster add column external_id text,
            add column risk_rank bigint not null generated always as (-2 * risk_score - silent::integer) stored"""
    )
    op.execute(
        "update signals.roster r set external_id = c.external_id from signals.customers c where c.customer_id = r.customer_id"
    )
    op.execute("alter table signals.roster alter column external_id set not null")
    for name, on in INDEXES.items():
        op.execute(f"create index {name} on signals.roster {on}")
    op.execute(STAKES)
    op.execute(OF_THE_ROSTER)
    op.execute("create index roster_stakes_by_rank on signals.roster_stakes (currency, rank, external_id)")


def downgrade() -> None:
    op.execute("drop table signals.roster_stakes")
    for name in INDEXES:
        op.execute(f"drop index signals.{name}")
    op.execute("alter table signals.roster drop column risk_rank, drop column external_id")
