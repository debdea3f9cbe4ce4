"""An entry's postings come all at once, so what is added sums to zero by itself: looked for among all postings, the
whole journal was read for each hundred documents."""

from alembic import op

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None

CHECK = """
    create or replace function billing.refuse_unbalanced_entry() returns trigger language plpgsql as $$
    declare
        wrong record;
    begin
        select p.entry_id, p.currency, sum(p.amount_minor) as off into wrong
        from {of}
        group by p.entry_id, p.currency having sum(p.amount_minor) <> 0 limit 1;
        if found then
            raise exception 'journal entry % is off by % minor units of %', wrong.entry_id, wrong.off, wrong.currency using errcode = 'U2C05';
        end if;
        return null;
    end $$
"""


def upgrade() -> None:
    op.execute(CHECK.format(of="added p"))


def downgrade() -> None:
    op.execute(CHECK.format(of="billing.journal_postings p where p.entry_id in (select entry_id from added)"))
