"""All SQL of what billing heard: one statement a batch, rows in key order so that two consumers never
deadlock."""

from collections.abc import Sequence

import asyncpg

from services.billing.replica.rows import (
    FollowingDraft,
    ReplicatedCustomer,
    ReplicatedStatement,
    StatementOfDraft,
)
from shared.db.columns import upsert
from shared.topics.rating import PERIOD, CustomerMessage, StatementMessage
from shared.values.ids import new_ids

STATEMENTS = upsert(
    "billing.statements",
    ReplicatedStatement,
    key=("statement_id",),
    newer_by="revision",
    only="not known.final",
).returning("statement_id")
DRAFTS = upsert(
    "billing.documents",
    FollowingDraft,
    key=("contract", "period_start", "occasion"),
    keep=("document_id",),
    only="known.status = 'draft'",
).returning("document_id, contract, period_start, occasion, xmax = 0 as is_new")
#: What the last period came to is kept in each draft of a period; one that left no document came to nothing.
PREVIOUS = """
    update billing.documents draft set previous_minor = before.total_minor
    from (select mine.document_id, coalesce(document.total_minor, 0) as total_minor
        from billing.documents mine cross join lateral (
            select statement_id from billing.statements
            where contract = mine.contract and occasion = 'period' and period_start < mine.period_start
            order by period_start desc limit 1) statement
        left join billing.document_statements source using (statement_id)
        left join billing.documents document on document.document_id = source.document_id
        where mine.contract = any($1) and mine.status = 'draft' and mine.occasion = 'period'
        order by mine.document_id for update of mine) before
    where draft.document_id = before.document_id and draft.previous_minor is distinct from before.total_minor"""
STATEMENTS_OF_DRAFTS = upsert("billing.document_statements", StatementOfDraft, key=("statement_id",))
CUSTOMERS = upsert(
    "billing.customers", ReplicatedCustomer, key=("customer_id",), newer_by="revision"
).returning("customer_id")


class ReplicaRepository:
    """The tables `statements`, `customers`, and the drafts that follow."""

    def __init__(self, connection: asyncpg.Connection) -> None:
        self._connection = connection

    async def replace_statements(self, statements: Sequence[StatementMessage]) -> set[str]:
        """Upsert those that are newer than what is here; return their statement ids. A final one is never
        replaced."""
        if not statements:
            return set()
        rows = await self._connection.fetch(
            STATEMENTS.sql, *STATEMENTS.columns_of(list(map(ReplicatedStatement.of, statements)))
        )
        return {str(row["statement_id"]) for row in rows}

    async def replace_drafts(self, statements: Sequence[StatementMessage]) -> None:
        """Let the draft of each statement say what the statement says; make it where there is none. History
        is left alone."""
        if not statements:
            return
        rows = list(map(FollowingDraft.of, _document_ids(statements), statements))
        written = await self._connection.fetch(DRAFTS.sql, *DRAFTS.columns_of(rows))
        drafts = {
            (contract, period_start, occasion): document_id
            for document_id, contract, period_start, occasion, _ in written
        }
        new = {contract for _, contract, _, occasion, is_new in written if is_new and occasion == PERIOD}
        followed = [
            StatementOfDraft.of(document_id, statement)
            for statement, row in zip(statements, rows, strict=True)
            if (document_id := drafts.get((row.contract, row.period_start, row.occasion)))
        ]
        await self._connection.execute(STATEMENTS_OF_DRAFTS.sql, *STATEMENTS_OF_DRAFTS.columns_of(followed))
        # Once a draft is made, and once a period is final: not with each revision, nor with what corrects it.
        changed = new | {one.contract for one in statements if one.final and one.occasion == PERIOD}
        if changed:
            await self._connection.execute(PREVIOUS, sorted(changed))

    async def after_final(self, refused: Sequence[StatementMessage]) -> list[StatementMessage]:
        """Return those that are newer than the final revision that is here: nobody may say them."""
        if not refused:
            return []
        final = {
            str(row["statement_id"]): row["revision"]
            for row in await self._connection.fetch(
                "select statement_id, revision from billing.statements where statement_id = any($1::uuid[]) and final",
                [s.statement_id for s in refused],
            )
        }
        return [s for s in refused if s.statement_id in final and s.revision > final[s.statement_id]]

    async def newer(self, pages: Sequence[StatementMessage]) -> list[StatementMessage]:
        """Return the pages of revisions newer than the statement that is here, if that is not final."""
        if not pages:
            return []
        known = {
            str(row["statement_id"]): row
            for row in await self._connection.fetch(
                "select statement_id, revision, final from billing.statements where statement_id = any($1::uuid[])",
                sorted({page.statement_id for page in pages}),
            )
        }
        return [
            page
            for page in pages
            if (row := known.get(page.statement_id)) is None
            or (row["revision"] < page.revision and not row["final"])
        ]

    async def replace_customers(self, customers: Sequence[CustomerMessage]) -> int:
        """Upsert those that are newer; return how many were."""
        rows = list(map(ReplicatedCustomer.of, customers))
        return len(await self._connection.fetch(CUSTOMERS.sql, *CUSTOMERS.columns_of(rows)))


def _document_ids(statements: Sequence[StatementMessage]) -> list[str]:
    """An id each: lists show documents by id, so of those made at once the one of the latest period is the
    newest."""
    by_period = sorted(
        range(len(statements)),
        key=lambda place: (statements[place].period_start_us, statements[place].contract),
    )
    given = dict(zip(by_period, new_ids("inv", len(statements)), strict=True))
    return [given[place] for place in range(len(statements))]
