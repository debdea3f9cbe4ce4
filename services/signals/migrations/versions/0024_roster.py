"""What customers are found and sorted by stands in columns, a row a customer: it was read out of the documents of all
their evaluations, whoever asked."""

from alembic import op

revision = "0024"
down_revision = "0019"
branch_labels = None
depends_on = None

ROSTER = """
create table signals.roster (
    customer_id text primary key,
    day date not null,
    risk_score integer not null,
    at_risk boolean not null,
    silent boolean not null,
    renews_on date,
    activations text[] not null
) with (fillfactor = 60)
"""
OF_THE_NEWEST = """
insert into signals.roster
select s.customer_id, s.day, (s.document #>> '{risk,score}')::integer, (s.document #>> '{risk,at_risk}')::boolean,
    s.document @? '$.meters.*.silent ? (@ == true)',
    (select min(value #>> '{renewal,term_end}')::date from jsonb_each(s.document -> 'contracts')
        where value #>> '{renewal,term_end}' > s.document ->> 'day'),
    array(select distinct value #>> '{activation,state}' from jsonb_each(s.document -> 'contracts')
        where value #>> '{activation,state}' is not null order by 1)
from signals.customers c cross join lateral (
    select * from signals.standings where customer_id = c.customer_id order by day desc limit 1) s
"""


def upgrade() -> None:
    op.execute(ROSTER)
    op.execute(OF_THE_NEWEST)


def downgrade() -> None:
    op.execute("drop table signals.roster")
