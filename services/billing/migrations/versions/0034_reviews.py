"""People hold, approve and see drafts; a policy says which final ones wait. A draft keeps what the contract's last period came
to."""

from alembic import op

revision = "0034"
down_revision = "0030"
branch_labels = None
depends_on = None

COLUMNS = """alter table billing.documents
    add column obstacle text, add column hold jsonb, add column approval jsonb, add column seen jsonb,
    add column previous_minor bigint,
    add column state text not null generated always as (
        case when status = 'finalized' then 'finalized' when held is not null then 'held'
        when obstacle = 'awaiting_approval' then 'awaiting_approval' when obstacle is not null then 'held'
        when complete then 'due' else 'open' end) stored"""
#: What is finalized stays as it is: of it nothing was kept.
PREVIOUS = """
    update billing.documents draft set previous_minor = before.total_minor
    from (select mine.document_id, coalesce(document.total_minor, 0) as total_minor
        from billing.documents mine cross join lateral (
            select statement_id from billing.statements
            where contract = mine.contract and occasion = 'period' and period_start < mine.period_start
            order by period_start desc limit 1) statement
        left join billing.document_statements source using (statement_id)
        left join billing.documents document on document.document_id = source.document_id
        where mine.status = 'draft' and mine.occasion = 'period') before
    where draft.document_id = before.document_id"""
POLICIES = """create table billing.review_policies (
    version integer primary key check (version > 0),
    above jsonb not null,
    changed_percent numeric,
    reason text not null,
    set_by text not null,
    set_at timestamptz not null,
    stamped_at timestamptz not null default clock_timestamp())"""
HISTORY = (
    """create function billing.refuse_change_of_policy() returns trigger language plpgsql as $$
    begin
        raise exception 'versions of the review policy are history: % is refused; set the next version', lower(tg_op)
            using errcode = 'U2C04';
    end $$""",
    """create trigger review_policies_are_history before update or delete or truncate on billing.review_policies
        for each statement execute function billing.refuse_change_of_policy()""",
)


def upgrade() -> None:
    op.execute(COLUMNS)
    op.execute(
        "create index documents_state on billing.documents (state, document_id) where status = 'draft'"
    )
    op.execute(PREVIOUS)
    op.execute(POLICIES)
    for statement in HISTORY:
        op.execute(statement)


def downgrade() -> None:
    op.execute("drop table billing.review_policies")
    op.execute("drop function billing.refuse_change_of_policy()")
    op.execute("drop index billing.documents_state")
    op.execute(
        """alter table billing.documents drop column state, drop column obstacle, drop column hold, drop column approval,
           drop column seen, drop column previous_minor"""
    )
