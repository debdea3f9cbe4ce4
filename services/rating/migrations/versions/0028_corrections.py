"""A final period is corrected by a row of its own, whole and as the difference; what asks for that is a mark."""

from alembic import op

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None

STATEMENTS = (
    """
    create table rating.corrections (
        contract text not null,
        period_start timestamptz not null,
        run integer not null check (run > 0),
        number integer,
        outcome text not null,
        statement_id uuid not null unique,
        revision bigint not null,
        watermark jsonb not null,
        watermark_us bigint not null,
        subtotal_minor bigint not null,
        asked_minor bigint not null,
        currency varchar(3) not null,
        said text not null,
        explanation text,
        document jsonb not null generated always as (said::jsonb) virtual,
        closing jsonb not null,
        known_version integer not null,
        primary key (contract, period_start, run),
        foreign key (contract, period_start) references rating.periods,
        constraint corrections_outcome check (outcome in ('note', 'carried', 'waived', 'unchanged')),
        constraint corrections_number check ((number is null) = (outcome = 'unchanged'))
    )
    """,
    """
    create table rating.corrected_subjects (
        contract text not null,
        period_start timestamptz not null,
        run integer not null,
        subject text collate "C" not null,
        batches jsonb,
        primary key (contract, period_start, run, subject),
        constraint corrected_subjects_correction foreign key (contract, period_start, run)
            references rating.corrections deferrable initially deferred
    )
    """,
    "create index corrected_subjects_subject on rating.corrected_subjects (subject)",
    """
    create table rating.correction_marks (
        mark_id bigint generated always as identity primary key,
        contract text not null,
        period_start timestamptz not null,
        since timestamptz not null default clock_timestamp(),
        not_before timestamptz
    )
    """,
    "create index correction_marks_period on rating.correction_marks (contract, period_start)",
    "alter table rating.periods add column accept_until timestamptz",
    "alter table rating.contracts add column correction_due_at timestamptz",
    "create index contracts_correction_due on rating.contracts (correction_due_at) where correction_due_at is not null",
    "alter table rating.contract_versions add column corrects_final boolean not null default false",
    # What was final before: its terms said nothing of late usage, which is accepted for 90 days then.
    "alter table rating.periods disable trigger closed_is_history",
    "update rating.periods set accept_until = period_end + interval '90 days' where final",
    "alter table rating.periods enable trigger closed_is_history",
    "alter table rating.periods add constraint periods_accept_until check (not final or accept_until is not null)",
    """
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
    """,
    """
    create view rating.last_subjects as
    select l.contract, l.period_start, k.subject, k.batches
    from rating.last_statements l cross join lateral (
        select subject, batches from rating.corrected_subjects c
            where c.contract = l.contract and c.period_start = l.period_start and c.run = l.run
        union all
        select subject, null from rating.closed_subjects k
            where l.run = 0 and k.contract = l.contract and k.period_start = l.period_start) k
    """,
    # Those of the customer now, and those that left since, with what counted of them then.
    """
    create function rating.keep_corrected_subjects() returns trigger language plpgsql as $$
    begin
        insert into rating.corrected_subjects (contract, period_start, run, subject, batches)
        select new.contract, new.period_start, new.run, s.subject, null
        from rating.contracts c join rating.subjects s using (customer_id) where c.contract = new.contract
        union all
        select new.contract, new.period_start, new.run, k.subject, coalesce(k.batches, before.watermark)
        from rating.last_subjects k
        join rating.last_statements before using (contract, period_start)
        join rating.contracts c using (contract)
        where k.contract = new.contract and k.period_start = new.period_start and not exists (
            select from rating.subjects s where s.subject = k.subject and s.customer_id = c.customer_id);
        return new;
    end $$
    """,
    # Before: what was the last correction is still that. The key to this one is looked at when it commits.
    """
    create trigger corrected_subjects_kept before insert on rating.corrections
        for each row execute function rating.keep_corrected_subjects()
    """,
    *(
        f"""create trigger {table}_is_history before update or delete on rating.{table}
            for each row execute function rating.refuse_change_of_history()"""
        for table in ("corrections", "corrected_subjects")
    ),
    "create trigger no_truncate before truncate on rating.corrections execute function rating.refuse_change_of_history()",
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    op.execute("drop view rating.last_subjects")
    op.execute("drop view rating.last_statements")
    op.execute("alter table rating.contracts drop column correction_due_at")
    op.execute("alter table rating.contract_versions drop column corrects_final")
    op.execute("alter table rating.periods drop column accept_until")
    op.execute("drop table rating.corrected_subjects, rating.corrections, rating.correction_marks")
    op.execute("drop function rating.keep_corrected_subjects()")
