"""How many documents there are in each state, and what they come to, is kept: whoever opened the list of invoices added up all
there are."""

from alembic import op

revision = "0041"
down_revision = "0040"
branch_labels = None
depends_on = None

TABLE = """create table billing.document_sums (
    sum_id bigint generated always as identity primary key,
    state text not null,
    currency varchar(3) not null,
    documents bigint not null,
    total_minor numeric not null
)"""
# What is planned once is kept: it reads what the statement has just changed, and no table.
FUNCTION = """
    create function billing.keep_document_sums() returns trigger language plpgsql
        set plan_cache_mode = force_generic_plan as $$
    begin
        if tg_op = 'INSERT' then
            insert into billing.document_sums (state, currency, documents, total_minor)
            select state, currency, count(*), sum(total_minor) from added group by 1, 2;
        elsif tg_op = 'DELETE' then
            insert into billing.document_sums (state, currency, documents, total_minor)
            select state, currency, -count(*), -sum(total_minor) from removed group by 1, 2;
        else
            insert into billing.document_sums (state, currency, documents, total_minor)
            select state, currency, sum(one), sum(one * total_minor) from (
                select state, currency, total_minor, 1 as one from added
                union all select state, currency, total_minor, -1 from removed) changed
            group by 1, 2 having sum(one) <> 0 or sum(one * total_minor) <> 0;
        end if;
        return null;
    end $$
"""
TRIGGERS = {
    "insert": "new table as added",
    "update": "old table as removed new table as added",
    "delete": "old table as removed",
}
FILL = """insert into billing.document_sums (state, currency, documents, total_minor)
    select state, currency, count(*), sum(total_minor) from billing.documents group by 1, 2"""


def upgrade() -> None:
    op.execute(TABLE)
    op.execute(FUNCTION)
    for event, tables in TRIGGERS.items():
        op.execute(
            f"""create trigger documents_summed_{event} after {event} on billing.documents referencing {tables}
                for each statement execute function billing.keep_document_sums()"""
        )
    op.execute(FILL)


def downgrade() -> None:
    for event in TRIGGERS:
        op.execute(f"drop trigger documents_summed_{event} on billing.documents")
    op.execute("drop function billing.keep_document_sums()")
    op.execute("drop table billing.document_sums")
