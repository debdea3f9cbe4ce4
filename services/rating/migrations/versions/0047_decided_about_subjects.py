"""A decision about late usage is about the subjects that its period had then: what joins by an alias later is held again. A
correction keeps what was taken out of those that joined after a decision."""

from alembic import op

revision = "0047"
down_revision = "0046"
branch_labels = None
depends_on = None

STATEMENTS = """
    create or replace view rating.last_statements as
    select s.contract, s.period_start, s.final, coalesce(c.run, 0) as run, s.revision as final_revision,
        coalesce(c.statement_id, s.statement_id) as statement_id, coalesce(c.revision, s.revision) as revision,
        coalesce(c.watermark, s.watermark) as watermark, coalesce(c.watermark_us, s.watermark_us) as watermark_us,
        coalesce(c.subtotal_minor, s.subtotal_minor) as subtotal_minor, s.currency,
        coalesce(c.said, s.said) as said, coalesce(c.said, s.said)::jsonb as document, s.opening,
        coalesce(c.closing, s.closing) as closing, coalesce(c.known_version, s.known_version) as known_version,
        c.taken_out{taken_out_of}
    from rating.statements s
    left join lateral (select run, statement_id, revision, watermark, watermark_us, subtotal_minor, said, closing,
            known_version, taken_out{taken_out_of} from rating.corrections c
        where c.contract = s.contract and c.period_start = s.period_start order by run desc limit 1) c on s.final
"""
SUBJECTS = """
    create or replace view rating.last_subjects as
    select l.contract, l.period_start, k.subject, k.batches,
        case when k.batches is null then {out} else k.taken_out end as taken_out
    from rating.last_statements l cross join lateral (
        select subject, batches, taken_out from rating.corrected_subjects c
            where c.contract = l.contract and c.period_start = l.period_start and c.run = l.run
        union all
        select subject, null, null from rating.closed_subjects k
            where l.run = 0 and k.contract = l.contract and k.period_start = l.period_start) k
"""
KEPT = """
    create or replace function rating.keep_corrected_subjects() returns trigger language plpgsql as $$
    begin
        insert into rating.corrected_subjects (contract, period_start, run, subject, batches, taken_out)
        select a.contract, a.period_start, a.run, s.subject, null, null
        from added a join rating.contracts c using (contract) join rating.subjects s using (customer_id)
        union all
        select a.contract, a.period_start, a.run, k.subject, coalesce(k.batches, k.watermark), k.taken_out
        from added a join rating.contracts c using (contract)
        cross join lateral (
            select x.subject, x.batches, before.watermark, case when x.batches is null then {out} else x.taken_out end
                as taken_out
            from rating.corrections before
                join rating.corrected_subjects x using (contract, period_start, run)
            where before.contract = a.contract and before.period_start = a.period_start and before.run = a.run - 1
            union all
            select x.subject, null, before.watermark, null from rating.statements before
                join rating.closed_subjects x using (contract, period_start)
            where a.run = 1 and before.contract = a.contract and before.period_start = a.period_start) k
        where not exists (select from rating.subjects s
            where s.subject = k.subject and s.customer_id = c.customer_id);
        return null;
    end $$
"""


def upgrade() -> None:
    op.execute("alter table rating.late_decisions add column subjects text[]")
    # Nobody kept whose usage there was then: those that have joined by now are the nearest there is.
    op.execute("alter table rating.late_decisions disable trigger late_decisions_is_history")
    op.execute(
        """update rating.late_decisions d set subjects = array(
               select s.subject from rating.subjects s join rating.contracts c using (customer_id)
                   where c.contract = d.contract
               union select k.subject from rating.last_subjects k
                   where k.contract = d.contract and k.period_start = d.period_start order by 1)"""
    )
    op.execute("alter table rating.late_decisions enable trigger late_decisions_is_history")
    op.execute("alter table rating.late_decisions alter column subjects set not null")
    op.execute("alter table rating.corrections add column taken_out_of jsonb")
    op.execute(STATEMENTS.format(taken_out_of=", c.taken_out_of"))
    op.execute(SUBJECTS.format(out="coalesce(l.taken_out_of -> k.subject, l.taken_out)"))
    op.execute(KEPT.format(out="coalesce(before.taken_out_of -> x.subject, before.taken_out)"))


def downgrade() -> None:
    op.execute("drop view rating.last_subjects, rating.last_statements")
    op.execute("alter table rating.corrections drop column taken_out_of")
    op.execute(STATEMENTS.format(taken_out_of=""))
    op.execute(SUBJECTS.format(out="l.taken_out"))
    op.execute(KEPT.format(out="before.taken_out"))
    op.execute("alter table rating.late_decisions drop column subjects")
