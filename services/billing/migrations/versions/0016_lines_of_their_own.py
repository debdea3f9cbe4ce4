"""A document may be made from several statements: they stand in a table of their own, and each line names its contract, period and statement."""

from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

STATEMENTS = (
    """create table billing.document_statements (
        statement_id uuid primary key,
        document_id text not null references billing.documents on delete cascade,
        contract text not null,
        period_start timestamptz not null,
        start_date date not null,
        end_date date not null,
        occasion text not null,
        revision bigint not null,
        final boolean not null,
        watermark jsonb not null,
        watermark_us bigint not null,
        constraint document_statements_occasion unique (contract, period_start, occasion)
       ) with (fillfactor = 60)""",
    """insert into billing.document_statements (statement_id, document_id, contract, period_start, start_date,
           end_date, occasion, revision, final, watermark, watermark_us)
       select statement_id, document_id, contract, period_start, start_date, end_date, occasion,
           coalesce(statement_revision, 0), statement_final, coalesce(watermark, '{}'), coalesce(watermark_us, 0)
       from billing.documents where statement_id is not null""",
    "create index document_statements_document on billing.document_statements (document_id)",
    "alter table billing.document_statements alter column watermark set statistics 0",
    "drop index billing.documents_statement",
    """alter table billing.documents drop column statement_id, drop column statement_revision,
           drop column watermark, drop column watermark_us""",
    "alter table billing.documents rename column statement_final to complete",
)
LINES = (
    """alter table billing.document_lines add column contract text, add column period_start timestamptz,
           add column start_date date, add column end_date date, add column statement_id uuid,
           add column tax_class text, add column corrects_document text references billing.documents,
           add column corrects_line text""",
    # What was written stays as it was: a line is told what its document said of it so far.
    "alter table billing.document_lines disable trigger document_lines_history",
    """update billing.document_lines line set contract = said.contract, period_start = said.period_start,
           start_date = said.start_date, end_date = said.end_date, statement_id = said.statement_id
       from billing.document_statements said where said.document_id = line.document_id""",
    "alter table billing.document_lines enable trigger document_lines_history",
    """alter table billing.document_lines alter column contract set not null,
           alter column period_start set not null, alter column start_date set not null,
           alter column end_date set not null, alter column statement_id set not null,
           drop constraint document_lines_line,
           add constraint document_lines_line unique nulls not distinct
               (document_id, line_id, corrects_document, corrects_line),
           add constraint document_lines_corrects check (num_nulls(corrects_document, corrects_line) <> 1)""",
    "create index document_lines_period on billing.document_lines (contract, period_start)",
)
HISTORY = (
    """create function billing.refuse_change_of_source() returns trigger language plpgsql as $$
    declare
        history text := (select document_id from billing.documents
            where document_id = old.document_id and status = 'finalized');
    begin
        if history is not null then
            raise exception 'statement % is on the finalized document %, which never changes', old.statement_id, history
                using errcode = 'U2C04';
        end if;
        return case tg_op when 'DELETE' then old else new end;
    end $$""",
    """create trigger document_statements_history before update or delete on billing.document_statements
       for each row execute function billing.refuse_change_of_source()""",
    """create function billing.refuse_source_of_history() returns trigger language plpgsql as $$
    declare
        history text := (select min(d.document_id) from added a join billing.documents d using (document_id)
            where d.status = 'finalized');
    begin
        if history is not null then
            raise exception 'document % is finalized and takes no further statement', history using errcode = 'U2C04';
        end if;
        return null;
    end $$""",
    """create trigger document_statements_closed after insert on billing.document_statements
       referencing new table as added for each statement execute function billing.refuse_source_of_history()""",
    """create trigger document_statements_kept before truncate on billing.document_statements
       for each statement execute function billing.refuse_truncation()""",
)


def upgrade() -> None:
    for statement in (*STATEMENTS, *LINES, *HISTORY):
        op.execute(statement)


def downgrade() -> None:
    for statement in (
        "alter table billing.documents rename column complete to statement_final",
        """alter table billing.documents add column statement_id uuid, add column statement_revision bigint,
               add column watermark jsonb, add column watermark_us bigint""",
        "alter table billing.documents disable trigger documents_history",
        """update billing.documents document set statement_id = said.statement_id,
               statement_revision = said.revision, watermark = said.watermark, watermark_us = said.watermark_us
           from billing.document_statements said where said.document_id = document.document_id""",
        "alter table billing.documents enable trigger documents_history",
        "create index documents_statement on billing.documents (statement_id)",
        "drop table billing.document_statements",
        "drop function billing.refuse_change_of_source()",
        "drop function billing.refuse_source_of_history()",
        """alter table billing.document_lines drop constraint document_lines_line, drop column contract,
               drop column period_start, drop column start_date, drop column end_date, drop column statement_id,
               drop column tax_class, drop column corrects_document, drop column corrects_line,
               add constraint document_lines_line unique (document_id, line_id)""",
    ):
        op.execute(statement)
