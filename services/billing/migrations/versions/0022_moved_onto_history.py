"""A statement of a draft cannot be moved onto a finalized document either: only where it came from was looked at."""

from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None

FUNCTION = """create or replace function billing.refuse_change_of_source() returns trigger language plpgsql as $$
    declare
        history text := (select min(document_id) from billing.documents
            where document_id in ({of}) and status = 'finalized');
    begin
        if history is not null then
            raise exception 'statement % is on the finalized document %, which never changes', old.statement_id, history
                using errcode = 'U2C04';
        end if;
        return case tg_op when 'DELETE' then old else new end;
    end $$"""


def upgrade() -> None:
    op.execute(FUNCTION.format(of="old.document_id, new.document_id"))


def downgrade() -> None:
    op.execute(FUNCTION.format(of="old.document_id"))
