"""The subjects a final statement was priced for: an alias that arrives later makes its usage late, and nothing is lost by it.

A trigger writes them, in the transaction and the snapshot of the final pricing, so that no code path can forget to.
"""

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

STATEMENTS = (
    """
    create table rating.closed_subjects (
        contract text not null,
        period_start timestamptz not null,
        subject text collate "C" not null,
        primary key (contract, period_start, subject)
    )
    """,
    """
    create function rating.keep_closed_subjects() returns trigger language plpgsql as $$
    begin
        insert into rating.closed_subjects (contract, period_start, subject)
        select new.contract, new.period_start, s.subject
        from rating.contracts c join rating.subjects s using (customer_id) where c.contract = new.contract;
        return null;
    end $$
    """,
    """
    create trigger closed_subjects_kept after insert or update on rating.statements
        for each row when (new.final) execute function rating.keep_closed_subjects()
    """,
    # What was final before: everybody known then is known now.
    """
    insert into rating.closed_subjects (contract, period_start, subject)
    select st.contract, st.period_start, s.subject
    from rating.statements st join rating.contracts c using (contract) join rating.subjects s using (customer_id) where st.final
    """,
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    op.execute("drop trigger closed_subjects_kept on rating.statements")
    op.execute("drop function rating.keep_closed_subjects()")
    op.execute("drop table rating.closed_subjects")
