"""What a subject leaves behind is what counted when it left: what was held or waived then goes with it. Who looks
whether a period has late usage removes it if it has none, unless it was noted again meanwhile."""

from alembic import op

revision = "0033"
down_revision = "0032"
branch_labels = None
depends_on = None

SUBJECTS = """
    create or replace view rating.last_subjects as
    select l.contract, l.period_start, k.subject, k.batches{taken_out}
    from rating.last_statements l cross join lateral (
        select subject, batches{of_left} from rating.corrected_subjects c
            where c.contract = l.contract and c.period_start = l.period_start and c.run = l.run
        union all
        select subject, null{none} from rating.closed_subjects k
            where l.run = 0 and k.contract = l.contract and k.period_start = l.period_start) k
"""
KEPT = """
    create or replace function rating.keep_corrected_subjects() returns trigger language plpgsql as $$
    begin
        insert into rating.corrected_subjects (contract, period_start, run, subject, batches{taken_out})
        select a.contract, a.period_start, a.run, s.subject, null{none}
        from added a join rating.contracts c using (contract) join rating.subjects s using (customer_id)
        union all
        select a.contract, a.period_start, a.run, k.subject, coalesce(k.batches, k.watermark){of_left}
        from added a join rating.contracts c using (contract)
        cross join lateral (
            select x.subject, x.batches, before.watermark{of_before} from rating.corrections before
                join rating.corrected_subjects x using (contract, period_start, run)
            where before.contract = a.contract and before.period_start = a.period_start and before.run = a.run - 1
            union all
            select x.subject, null, before.watermark{none} from rating.statements before
                join rating.closed_subjects x using (contract, period_start)
            where a.run = 1 and before.contract = a.contract and before.period_start = a.period_start) k
        where not exists (select from rating.subjects s
            where s.subject = k.subject and s.customer_id = c.customer_id);
        return null;
    end $$
"""
STATEMENTS = (
    "alter table rating.corrected_subjects add column taken_out jsonb",
    # The cut of a subject that had left is that of a run before it left, or of the final statement, which took out nothing.
    "alter table rating.corrected_subjects disable trigger corrected_subjects_is_history",
    """
    update rating.corrected_subjects k set taken_out = c.taken_out from rating.corrections c
    where c.contract = k.contract and c.period_start = k.period_start and c.run < k.run and c.watermark = k.batches
    """,
    "alter table rating.corrected_subjects enable trigger corrected_subjects_is_history",
    SUBJECTS.format(
        taken_out=", case when k.batches is null then l.taken_out else k.taken_out end as taken_out",
        of_left=", taken_out",
        none=", null",
    ),
    KEPT.format(
        taken_out=", taken_out",
        none=", null",
        of_left=", k.taken_out",
        of_before=", case when x.batches is null then before.taken_out else x.taken_out end as taken_out",
    ),
    "alter table rating.late_periods add column noted_at timestamptz not null default clock_timestamp()",
    "alter table rating.late_periods add column looked_at boolean not null default false",
    "create index late_periods_new on rating.late_periods (noted_at) where not looked_at",
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    op.execute("drop view rating.last_subjects")
    op.execute(SUBJECTS.format(taken_out="", of_left="", none=""))
    op.execute(KEPT.format(taken_out="", none="", of_left="", of_before=""))
    op.execute("alter table rating.corrected_subjects drop column taken_out")
    op.execute("alter table rating.late_periods drop column noted_at, drop column looked_at")
