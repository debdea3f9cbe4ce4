"""A finalized document, its lines and the journal never change (law 4), and the journal balances (law 5).

SQLSTATE U2C04 refuses a change of history, U2C05 an entry that does not sum to zero. An entry's postings are checked at the end of
the statement that inserts them: they come all at once or not at all, which is stricter than a check at commit and costs one sum.
"""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

FUNCTIONS = (
    """
    create function billing.refuse_change_of_document() returns trigger language plpgsql as $$
    begin
        if old.status = 'finalized' then
            raise exception 'document % (%) is finalized and never changes; issue a note that names it instead', old.document_id, old.number
                using errcode = 'U2C04';
        end if;
        return case tg_op when 'DELETE' then old else new end;
    end $$
    """,
    """
    create function billing.refuse_change_of_line() returns trigger language plpgsql as $$
    declare
        history text := (select document_id from billing.documents where document_id = old.document_id and status = 'finalized');
    begin
        if history is not null then
            raise exception 'line % belongs to the finalized document % and never changes', old.line_id, history using errcode = 'U2C04';
        end if;
        return case tg_op when 'DELETE' then old else new end;
    end $$
    """,
    """
    create function billing.refuse_line_of_history() returns trigger language plpgsql as $$
    declare
        history text := (select min(d.document_id) from added a join billing.documents d using (document_id) where d.status = 'finalized');
    begin
        if history is not null then
            raise exception 'document % is finalized and takes no further line', history using errcode = 'U2C04';
        end if;
        return null;
    end $$
    """,
    """
    create function billing.refuse_change_of_journal() returns trigger language plpgsql as $$
    begin
        raise exception 'the journal is append-only: reverse entry % by another entry', old.entry_id using errcode = 'U2C04';
    end $$
    """,
    """
    create function billing.refuse_truncation() returns trigger language plpgsql as $$
    begin
        raise exception '% is history and cannot be emptied', tg_table_name using errcode = 'U2C04';
    end $$
    """,
    """
    create function billing.refuse_unbalanced_entry() returns trigger language plpgsql as $$
    declare
        wrong record;
    begin
        select p.entry_id, p.currency, sum(p.amount_minor) as off into wrong
        from billing.journal_postings p where p.entry_id in (select entry_id from added)
        group by p.entry_id, p.currency having sum(p.amount_minor) <> 0 limit 1;
        if found then
            raise exception 'journal entry % is off by % minor units of %', wrong.entry_id, wrong.off, wrong.currency using errcode = 'U2C05';
        end if;
        return null;
    end $$
    """,
)

TRIGGERS = (
    """create trigger documents_history before update or delete on billing.documents
       for each row execute function billing.refuse_change_of_document()""",
    """create trigger document_lines_history before update or delete on billing.document_lines
       for each row execute function billing.refuse_change_of_line()""",
    """create trigger document_lines_closed after insert on billing.document_lines referencing new table as added
       for each statement execute function billing.refuse_line_of_history()""",
    """create trigger journal_entries_history before update or delete on billing.journal_entries
       for each row execute function billing.refuse_change_of_journal()""",
    """create trigger journal_postings_history before update or delete on billing.journal_postings
       for each row execute function billing.refuse_change_of_journal()""",
    """create trigger journal_postings_balanced after insert on billing.journal_postings referencing new table as added
       for each statement execute function billing.refuse_unbalanced_entry()""",
    *(
        f"create trigger {table}_kept before truncate on billing.{table} for each statement execute function billing.refuse_truncation()"
        for table in ("documents", "document_lines", "journal_entries", "journal_postings")
    ),
)


def upgrade() -> None:
    for statement in (*FUNCTIONS, *TRIGGERS):
        op.execute(statement)
