"""What finalized documents settle is kept: signals told of each and kept no money. Those that were told before are awaited:
billing tells them again, and until it has, what is known of their customers is too little to be shown."""

from alembic import op

revision = "0019"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("""create table signals.documents (
        document_id text primary key, contract text not null, customer_id text not null, start_date date not null,
        awaited boolean not null default false)""")
    op.execute("""create table signals.settled (
        document_id text not null, contract text not null, start_date date not null, key text not null,
        end_date date not null, customer_id text not null, currency varchar(3) not null,
        settled_minor bigint not null, shortfall_minor bigint not null,
        primary key (document_id, contract, start_date, key))""")
    op.execute("""insert into signals.documents (document_id, contract, customer_id, start_date, awaited)
        select distinct on (data ->> 'invoice') data ->> 'invoice', coalesce(contract, ''), customer_id,
            (data -> 'period' ->> 'start')::date, true
        from signals.facts
        where type = 'invoice.finalized' and data ->> 'kind' not in ('commitment', 'prepayment')
        order by data ->> 'invoice'""")
    op.execute("create index documents_period on signals.documents (contract, start_date)")
    op.execute("create index documents_awaited on signals.documents (customer_id) where awaited")
    op.execute("create index settled_customer on signals.settled (customer_id, end_date)")
    op.execute("create index settled_contract on signals.settled (contract, end_date)")


def downgrade() -> None:
    op.execute("drop table signals.settled, signals.documents")
