"""All SQL that reads documents."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import asyncpg
import msgspec

from services.billing.documents.domain.document import Document, Held, Line, StatementSource
from services.billing.documents.domain.filters import DocumentFilter
from services.billing.documents.domain.following import held_of_statement, line_of_draft
from services.billing.documents.domain.kinds import KINDS
from services.billing.documents.rows import FinalizedDocument
from services.billing.finalization.domain.drafts import OBSTACLES
from shared.db.columns import names_of, read
from shared.db.filters import narrowed
from shared.topics.billing import DocumentLine
from shared.topics.rating import StatementHeld, StatementLine, StatementSegment

# The gate's exceptions are named as the draft is: what it found first is what holds it.
_DOCUMENT = """
    select document.*, coalesce(document.customer_name, customer.name, document.customer) as shown_name,
        obstacle.*
    from billing.documents document left join billing.customers customer
        on customer.customer_id = document.customer_id
    left join lateral (
        select exception_id, kind as obstacle_kind, owner, detail, opened_at from billing.exceptions
        where document.status = 'draft' and document.held_until is not null and resolved_at is null
          and reference = document.contract || ':' || document.start_date and kind = any({kinds})
        order by opened_at, exception_id limit 1
    ) obstacle on true
"""
_CONDITIONS = {
    "period_from": "document.start_date >= {}",
    "period_to": "document.end_date <= {}",
}
_PLAIN_LINES = (
    "line_id, key, clause_id, clause_hash, version, kind, meter, description, quantity, amount_minor"
)


class DocumentRepository:
    """Documents with their lines: those of a draft come from its statement."""

    def __init__(self, connection: asyncpg.Connection) -> None:
        self._connection = connection

    async def draft_states(self) -> dict[str, int]:
        """How many drafts are held (something is in their way), due (their statement is final) and open
        (their period runs)."""
        rows = await self._connection.fetch(
            """select case when held is not null or held_until is not null then 'held' when statement_final
                then 'due' else 'open' end as state,
                   count(*) as drafts
               from billing.documents where status = 'draft' group by 1"""
        )
        return {row["state"]: row["drafts"] for row in rows}

    async def newest_first(self, asked: DocumentFilter, before: str | None, rows_max: int) -> list[Document]:
        """Return documents older than the id `before`, newest first."""
        where = narrowed(asked, _CONDITIONS, "document").also("document.document_id < {}", before)
        where, kinds = where.given(list(OBSTACLES))
        rows = await self._connection.fetch(
            f"""{_DOCUMENT.format(kinds=f"{kinds}::text[]")} where {where.sql}
                order by document.document_id desc limit {rows_max:d}""",
            *where.parameters,
        )
        return await self._with_lines(rows, segments=False)

    async def get(self, document_id: str) -> Document | None:
        """Return one document with its lines, and with their segments once its statement is final."""
        rows = await self._connection.fetch(
            f"{_DOCUMENT.format(kinds='$2::text[]')} where document.document_id = $1",
            document_id,
            list(OBSTACLES),
        )
        return next(iter(await self._with_lines(rows, segments=True)), None)

    async def finalized_after(self, after: str, rows_max: int) -> list[FinalizedDocument]:
        """Return documents that are history, in order of their ids, after this one."""
        rows = await self._connection.fetch(
            f"""select {names_of(FinalizedDocument)} from billing.documents
                where document_id > $1 and status = 'finalized' order by document_id limit $2""",
            after,
            rows_max,
        )
        return [FinalizedDocument(**row) for row in rows]

    async def told_lines(self, document_ids: Sequence[str]) -> dict[str, list[DocumentLine]]:
        """Document id → its lines as they are told, in order."""
        rows = await self._connection.fetch(
            """select document_id, line_id, key, clause_id, version, kind, quantity, amount_minor,
                clause_hash, description, meter
               from billing.document_lines where document_id = any($1) order by document_id, position""",
            list(document_ids),
        )
        found: dict[str, list[DocumentLine]] = {}
        for document_id, *line in rows:
            found.setdefault(document_id, []).append(DocumentLine(*line))
        return found

    async def _with_lines(self, rows: Sequence[asyncpg.Record], *, segments: bool) -> list[Document]:
        found = [_document(row) for row in rows]
        history = await self._lines_of_history(
            [document.document_id for document in found if document.status == "finalized"], segments
        )
        sources = [document.source for document in found if document.status == "draft" and document.source]
        said = await self._lines_of_statements([source.statement_id for source in sources], segments)
        return [replace(document, lines=_lines(document, history, said)) for document in found]

    async def _lines_of_history(self, document_ids: list[str], segments: bool) -> dict[str, tuple[Line, ...]]:
        if not document_ids:
            return {}
        rows = await self._connection.fetch(
            f"""select document_id, {_PLAIN_LINES}{", segments" if segments else ""}
                from billing.document_lines
                where document_id = any($1) order by document_id, position""",
            document_ids,
        )
        found: dict[str, list[Line]] = {}
        for row in rows:
            found.setdefault(row["document_id"], []).append(_line(row, segments))
        return {document_id: tuple(lines) for document_id, lines in found.items()}

    async def _lines_of_statements(
        self, statement_ids: list[str], segments: bool
    ) -> dict[str, tuple[Line, ...]]:
        if not statement_ids:
            return {}
        rows = await self._connection.fetch(
            "select statement_id, final, document -> 'lines' as lines from billing.statements where statement_id = any($1)",
            statement_ids,
        )
        return {
            str(row["statement_id"]): tuple(
                line_of_draft(msgspec.convert(line, StatementLine), segments, row["final"])
                for line in row["lines"]
            )
            for row in rows
        }


def _lines(
    document: Document, history: Mapping[str, tuple[Line, ...]], said: Mapping[str, tuple[Line, ...]]
) -> tuple[Line, ...]:
    """The lines that a finalized document has, or that the source of a draft says."""
    if document.status == "finalized":
        return history.get(document.document_id, ())
    return said.get(document.source.statement_id, ()) if document.source else ()


def _document(row: asyncpg.Record) -> Document:
    return read(
        Document,
        row,
        kind=KINDS[row["kind"]],
        customer_name=row["shown_name"],
        source=_source(row),
        held=_held(row),
        lines=(),
        as_of=None,
        stale=False,
    )


def _source(row: asyncpg.Record) -> StatementSource | None:
    if row["statement_id"] is None:
        return None
    return StatementSource(
        statement_id=str(row["statement_id"]),
        revision=row["statement_revision"],
        final=row["statement_final"],
        watermark=row["watermark"],
        watermark_us=row["watermark_us"],
    )


def _line(row: asyncpg.Record, segments: bool) -> Line:
    said = msgspec.convert(row["segments"], tuple[StatementSegment, ...]) if segments else None
    return read(Line, row, segments=said)


def _held(row: asyncpg.Record) -> Held | None:
    """Why a draft is held: its statement is not whole, or the gate found something in its way."""
    if row["status"] != "draft":
        return None
    if row["held"] is not None:
        return held_of_statement(msgspec.convert(row["held"], StatementHeld))
    if row["exception_id"] is None:
        return None
    return Held(
        row["obstacle_kind"], row["opened_at"], row["exception_id"], "billing", row["owner"], row["detail"]
    )
