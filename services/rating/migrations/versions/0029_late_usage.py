"""When batches were metered by the business clock, which final periods have usage that came after all was accepted, and
what was decided about it."""

from alembic import op

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None

LAST_STATEMENTS = """
    create view rating.last_statements as
    select s.contract, s.period_start, s.final, coalesce(c.run, 0) as run, s.revision as final_revision,
        coalesce(c.statement_id, s.statement_id) as statement_id, coalesce(c.revision, s.revision) as revision,
        coalesce(c.watermark, s.watermark) as watermark, coalesce(c.watermark_us, s.watermark_us) as watermark_us,
        coalesce(c.subtotal_minor, s.subtotal_minor) as subtotal_minor, s.currency,
        coalesce(c.said, s.said) as said, coalesce(c.said, s.said)::jsonb as document, s.opening,
        coalesce(c.closing, s.closing) as closing, coalesce(c.known_version, s.known_version) as known_version
    from rating.statements s
    left join lateral (select * from rating.corrections c
        where c.contract = s.contract and c.period_start = s.period_start order by run desc limit 1) c on s.final
"""
LAST_SUBJECTS = """
    create view rating.last_subjects as
    select l.contract, l.period_start, k.subject, k.batches
    from rating.last_statements l cross join lateral (
        select subject, batches from rating.corrected_subjects c
            where c.contract = l.contract and c.period_start = l.period_start and c.run = l.run
        union all
        select subject, null from rating.closed_subjects k
            where l.run = 0 and k.contract = l.contract and k.period_start = l.period_start) k
"""
STATEMENTS = (
    """
    create table rating.batch_times (
        partition smallint not null,
        at timestamptz not null,
        batch_id bigint not null,
        primary key (partition, at, batch_id)
    )
    """,
    """
    create table rating.late_periods (
        contract text not null,
        period_start timestamptz not null,
        primary key (contract, period_start),
        foreign key (contract, period_start) references rating.periods
    )
    """,
    """
    create table rating.late_decisions (
        contract text not null,
        period_start timestamptz not null,
        sequence integer not null check (sequence > 0),
        decision text not null,
        reason text not null,
        after jsonb not null,
        up_to jsonb not null,
        decided_at timestamptz not null,
        stamped_at timestamptz not null default clock_timestamp(),
        primary key (contract, period_start, sequence),
        foreign key (contract, period_start) references rating.periods,
        constraint late_decisions_decision check (decision in ('bill', 'waive'))
    )
    """,
    "alter table rating.corrections add column taken_out jsonb",
    """
    create or replace view rating.last_statements as
    select s.contract, s.period_start, s.final, coalesce(c.run, 0) as run, s.revision as final_revision,
        coalesce(c.statement_id, s.statement_id) as statement_id, coalesce(c.revision, s.revision) as revision,
        coalesce(c.watermark, s.watermark) as watermark, coalesce(c.watermark_us, s.watermark_us) as watermark_us,
        coalesce(c.subtotal_minor, s.subtotal_minor) as subtotal_minor, s.currency,
        coalesce(c.said, s.said) as said, coalesce(c.said, s.said)::jsonb as document, s.opening,
        coalesce(c.closing, s.closing) as closing, coalesce(c.known_version, s.known_version) as known_version,
        c.taken_out
    from rating.statements s
    left join lateral (select * from rating.corrections c
        where c.contract = s.contract and c.period_start = s.period_start order by run desc limit 1) c on s.final
    """,
    """create trigger late_decisions_is_history before update or delete on rating.late_decisions
        for each row execute function rating.refuse_change_of_history()""",
    "create trigger no_truncate before truncate on rating.late_decisions execute function rating.refuse_change_of_history()",
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    op.execute("drop view rating.last_subjects")
    op.execute("drop view rating.last_statements")
    op.execute("alter table rating.corrections drop column taken_out")
    op.execute(LAST_STATEMENTS)
    op.execute(LAST_SUBJECTS)
    op.execute("drop table rating.late_decisions, rating.late_periods, rating.batch_times")
