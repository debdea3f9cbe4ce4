"""Whose usage a correction covers is kept for all corrections of a statement at once: a trigger of each row planned its
question anew for every one, which was a third of what a correction cost."""

from alembic import op

revision = "0031"
down_revision = "0030"
branch_labels = None
depends_on = None

# Those of the customer now, and those that left since, with what counted of them by the run before.
AT_ONCE = """
    create or replace function rating.keep_corrected_subjects() returns trigger language plpgsql as $$
    begin
        insert into rating.corrected_subjects (contract, period_start, run, subject, batches)
        select a.contract, a.period_start, a.run, s.subject, null
        from added a join rating.contracts c using (contract) join rating.subjects s using (customer_id)
        union all
        select a.contract, a.period_start, a.run, k.subject, coalesce(k.batches, k.watermark)
        from added a join rating.contracts c using (contract)
        cross join lateral (
            select x.subject, x.batches, before.watermark from rating.corrections before
                join rating.corrected_subjects x using (contract, period_start, run)
            where before.contract = a.contract and before.period_start = a.period_start and before.run = a.run - 1
            union all
            select x.subject, null, before.watermark from rating.statements before
                join rating.closed_subjects x using (contract, period_start)
            where a.run = 1 and before.contract = a.contract and before.period_start = a.period_start) k
        where not exists (select from rating.subjects s
            where s.subject = k.subject and s.customer_id = c.customer_id);
        return null;
    end $$
"""
EACH_ROW = """
    create or replace function rating.keep_corrected_subjects() returns trigger language plpgsql as $$
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
"""


def upgrade() -> None:
    op.execute("drop trigger corrected_subjects_kept on rating.corrections")
    op.execute(AT_ONCE)
    op.execute(
        """create trigger corrected_subjects_kept after insert on rating.corrections referencing new table as added
           for each statement execute function rating.keep_corrected_subjects()"""
    )


def downgrade() -> None:
    op.execute("drop trigger corrected_subjects_kept on rating.corrections")
    op.execute(EACH_ROW)
    op.execute(
        """create trigger corrected_subjects_kept before insert on rating.corrections
           for each row execute function rating.keep_corrected_subjects()"""
    )
