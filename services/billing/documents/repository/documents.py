"""All SQL that reads documents."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from itertools import groupby
from operator import itemgetter
from typing import TypeVar

import asyncpg
import msgspec

from services.billing.documents.domain.document import CorrectedLine, Document, Held, Line, StatementSource
from services.billing.documents.domain.following import (
    NONE_YET,
    Documented,
    held_of_statement,
    lines_of_draft,
)
from services.billing.documents.domain.kinds import KINDS
from services.billing.documents.domain.reviewed import Approval, Hold, Seen
from services.billing.documents.rows import FinalizedDocument
from services.billing.finalization.domain.drafts import OBSTACLES
from shared.db.columns import names_of, read
from shared.db.plans import keep_plans
from shared.topics.rating import (
    STATEMENTS,
    LineDraw,
    StatementHeld,
    StatementMessage,
    StatementSegment,
    StatementStep,
)
from shared.topics.statement_steps import together
from shared.values.instants import from_us

S = TypeVar("S", bound=msgspec.Struct)
#: A contract and the start of one of its service periods.
Period = tuple[str, datetime]

# The gate's exceptions are named as the draft is: what it found first is what holds it.
_DOCUMENT = """
    select document.*, coalesce(document.customer_name, customer.name, document.customer) as shown_name,
        obstacle.*
    from billing.documents document left join billing.customers customer
        on customer.customer_id = document.customer_id
    left join lateral (
        select exception_id, kind as obstacle_kind, owner, detail, opened_at from billing.exceptions
        where document.status = 'draft' and document.held_until is not null and resolved_at is null
          and reference = document.contract || ':' || document.start_date
              || case document.occasion when 'period' then '' else ':' || document.occasion end
          and kind = any({kinds})
        order by kind = 'awaiting_approval', opened_at, exception_id limit 1
    ) obstacle on true
"""
_PLAIN_LINES = """contract, period_start, start_date, end_date, statement_id::text, line_id, key, clause_id, clause_hash,
    version, kind, meter, description, quantity, amount_minor, tax_class, corrects_document, corrects_line, draws"""


class DocumentRepository:
    """Documents with their lines: those of a draft come from its statements."""

    def __init__(self, connection: asyncpg.Connection) -> None:
        self._connection = connection

    async def draft_states(self) -> dict[str, int]:
        """State → how many drafts are in it."""
        rows = await self._connection.fetch(
            """select state, sum(documents)::bigint as drafts from billing.document_sums where state <> 'finalized'
                group by 1 having sum(documents) <> 0"""
        )
        return {row["state"]: row["drafts"] for row in rows}

    async def of_ids(self, document_ids: Sequence[str]) -> list[Document]:
        """Return these documents in the order of the ids, lines without their segments."""
        rows = await self._connection.fetch(
            f"{_DOCUMENT.format(kinds='$2::text[]')} where document.document_id = any($1)",
            list(document_ids),
            list(OBSTACLES),
        )
        by_id = {row["document_id"]: row for row in rows}
        return await self._with_lines(
            [by_id[document_id] for document_id in document_ids if document_id in by_id], segments=False
        )

    async def get(self, document_id: str) -> Document | None:
        """Return one document with its lines, and with their segments and steps once its statement is final."""
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

    async def lines_of(
        self, document_ids: Sequence[str], *, segments: bool = False
    ) -> dict[str, tuple[Line, ...]]:
        """Document id → its lines, in order, of documents that are history."""
        if not document_ids:
            return {}
        rows = await self._connection.fetch(
            f"""select document_id, {_PLAIN_LINES}{", segments, steps" if segments else ""}
                from billing.document_lines
                where document_id = any($1) order by document_id, position""",
            list(document_ids),
        )
        found: dict[str, list[Line]] = {}
        for row in rows:
            found.setdefault(row["document_id"], []).append(_line(row, segments))
        return {document_id: tuple(lines) for document_id, lines in found.items()}

    async def said(
        self, document_ids: Sequence[str], *, explained: bool
    ) -> dict[str, list[StatementMessage]]:
        """Document id → the statements it is made from, as they were heard (their explanations aside where those are
        not wanted); older periods first."""
        if not document_ids:
            return {}
        rows = await self._connection.fetch(
            f"""select made_from.document_id, heard.said, {"heard.explanation" if explained else "null"} as explanation
               from billing.document_statements made_from join billing.statements heard
                   using (statement_id, revision)
               where made_from.document_id = any($1)
               order by made_from.document_id, made_from.period_start, made_from.contract""",
            list(document_ids),
        )
        found: dict[str, list[StatementMessage]] = {}
        for row in rows:
            statement = together(STATEMENTS.decode(row["said"].encode()), row["explanation"])
            found.setdefault(row["document_id"], []).append(statement)
        return found

    async def documented(self, statements: Sequence[StatementMessage]) -> Mapping[Period, Documented]:
        """Contract and start of period → the documents by occasion, of the corrections among these statements."""
        asked = sorted({period_of(one) for one in statements if one.is_correction})
        if not asked:
            return {}
        rows = await self._connection.fetch(
            """select contract, period_start, occasion, document_id from billing.document_statements
               join unnest($1::text[], $2::timestamptz[]) as asked (contract, period_start)
                   using (contract, period_start)""",
            [contract for contract, _ in asked],
            [period_start for _, period_start in asked],
        )
        found: dict[Period, dict[str, str]] = {}
        for row in rows:
            found.setdefault((row["contract"], row["period_start"]), {})[row["occasion"]] = row["document_id"]
        return found

    async def _with_lines(self, rows: Sequence[asyncpg.Record], *, segments: bool) -> list[Document]:
        await keep_plans(self._connection)
        sources = await self._sources([row["document_id"] for row in rows])
        by_status: dict[str, list[str]] = {"draft": [], "finalized": []}
        for row in rows:
            by_status[row["status"]].append(row["document_id"])
        lines = await self.lines_of(by_status["finalized"], segments=segments)
        said = await self.said(by_status["draft"], explained=segments)
        documented = await self.documented([one for of_draft in said.values() for one in of_draft])
        for document_id, of_draft in said.items():
            lines[document_id] = tuple(
                line
                for statement in of_draft
                for line in lines_of_draft(statement, documented_of(statement, documented), segments=segments)
            )
        return [
            _document(row, sources.get(row["document_id"], ()), lines.get(row["document_id"], ()))
            for row in rows
        ]

    async def _sources(self, document_ids: list[str]) -> dict[str, tuple[StatementSource, ...]]:
        """Document id → the statements it is made from, older periods first."""
        rows = await self._connection.fetch(
            f"""select document_id, {names_of(StatementSource)} from billing.document_statements
                where document_id = any($1) order by document_id, period_start, contract""",
            document_ids,
        )
        return {
            document_id: tuple(
                read(StatementSource, row, statement_id=str(row["statement_id"])) for row in of_one
            )
            for document_id, of_one in groupby(rows, key=itemgetter("document_id"))
        }


def period_of(statement: StatementMessage) -> Period:
    return statement.contract, from_us(statement.period_start_us)


def documented_of(statement: StatementMessage, documented: Mapping[Period, Documented]) -> Documented:
    """The documents whose lines this statement may correct."""
    return documented.get(period_of(statement), NONE_YET)


def _document(
    row: asyncpg.Record, statements: tuple[StatementSource, ...], lines: tuple[Line, ...]
) -> Document:
    return read(
        Document,
        row,
        kind=KINDS[row["kind"]],
        customer_name=row["shown_name"],
        statements=statements,
        held=_held(row),
        hold=_said(row["hold"], Hold),
        approval=_said(row["approval"], Approval),
        seen=_said(row["seen"], Seen),
        lines=lines,
        as_of=None,
        stale=False,
    )


def _said(stored: object, kind: type[S]) -> S | None:
    """What people said of it, if they did: a struct is known to msgspec, a union is worked out each time (8 µs)."""
    return None if stored is None else msgspec.convert(stored, kind)


def _line(row: asyncpg.Record, segments: bool) -> Line:
    said = msgspec.convert(row["segments"], tuple[StatementSegment, ...]) if segments else None
    steps = msgspec.convert(row["steps"], tuple[StatementStep, ...] | None) if segments else None
    corrects = row["corrects_document"] and CorrectedLine(row["corrects_document"], row["corrects_line"])
    draws = tuple([msgspec.convert(draw, LineDraw) for draw in row["draws"]])
    return read(Line, row, segments=said, steps=steps, corrects=corrects, draws=draws)


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
