"""All SQL of finalization. Every method is one statement over the whole chunk."""

from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime

import asyncpg
import msgspec

from services.billing.documents.domain.following import Documented, lines_of_draft
from services.billing.documents.domain.kinds import KINDS
from services.billing.documents.domain.reviewed import Approval
from services.billing.documents.repository.documents import DocumentRepository, Period, documented_of
from services.billing.finalization.domain.drafts import OBSTACLES, Draft, Numbered
from services.billing.finalization.rows import FinalizedRow, HeldDraft, LineRow
from shared.db.columns import given, insert, read, types_of, update
from shared.runtime.clock import machine_now
from shared.topics.rating import StatementMessage
from shared.values.instants import from_us

# A note waits for what it may correct.
_DUE = """document.status = 'draft' and document.complete and document.hold is null
    and (document.held_until is null or document.held_until <= $1)
    and (document.occasion not like 'note:%' or not exists (
        select from billing.document_statements mine
        join billing.document_statements older using (contract, period_start)
        join billing.documents before on before.document_id = older.document_id and before.status = 'draft'
        where mine.document_id = document.document_id and older.document_id <> mine.document_id
            and (older.occasion = 'period' or older.occasion like 'note:%')
            and older.revision < mine.revision))"""
LINES = insert("billing.document_lines", LineRow)
FINALIZED = update(
    "billing.documents",
    FinalizedRow,
    key=("document_id",),
    also="status = 'finalized', held_until = null, obstacle = null",
)


class FinalizationRepository:
    """Drafts that are due, and what they become."""

    def __init__(self, connection: asyncpg.Connection) -> None:
        self._connection = connection

    async def due(self, drafts_max: int) -> list[Draft]:
        """Return drafts of final statements that are not held, older periods first: those before all that nobody has looked
        at, then those whose turn has come longest ago, so that however many are held, none keeps another from its turn."""
        rows = await self._connection.fetch(
            f"""select document.*, coalesce(document.customer_name, customer.name) as known_name
                from billing.documents document
                left join billing.customers customer on customer.customer_id = document.customer_id
                where {_DUE}
                order by document.held_until nulls first, document.legal_entity, document.period_start,
                    document.contract limit $2""",
            machine_now(),
            drafts_max,
        )
        documents = DocumentRepository(self._connection)
        said = await documents.said([row["document_id"] for row in rows], explained=True)
        documented = await documents.documented([one for of_draft in said.values() for one in of_draft])
        return [_draft(row, said[row["document_id"]], documented) for row in rows]

    async def is_any_due(self) -> bool:
        return bool(
            await self._connection.fetchval(
                f"select exists (select from billing.documents document where {_DUE})", machine_now()
            )
        )

    async def hold(self, held: Sequence[HeldDraft]) -> set[str]:
        """Look at these drafts again after their `hold_s` of the machine clock; return the ids of those that are still as
        they were read: a person may have decided meanwhile."""
        rows = await self._connection.fetch(
            f"""update billing.documents document
                set obstacle = said.obstacle, held_until = clock_timestamp() + make_interval(secs => said.hold_s)
                from {given(HeldDraft)}
                where document.document_id = said.document_id and document.document_id in (
                    select draft.document_id from billing.documents draft
                    where draft.document_id = any($1) and draft.status = 'draft' and draft.hold is null
                    order by draft.document_id for update skip locked)
                  and document.held_until is not distinct from said.held_until
                returning document.document_id""",
            *([getattr(one, name) for one in held] for name in types_of(HeldDraft)),
        )
        return {row["document_id"] for row in rows}

    async def lock(self, document_ids: Collection[str]) -> set[str]:
        """Lock those that are still drafts and that nobody else holds; return their ids."""
        rows = await self._connection.fetch(
            """select document_id from billing.documents
                where document_id = any($1) and status = 'draft' and complete and hold is null
               order by document_id for update skip locked""",
            list(document_ids),
        )
        return {row["document_id"] for row in rows}

    async def drop_drafts(self, document_ids: Sequence[str]) -> None:
        """Delete drafts that leave no document; their statements stay."""
        await self._connection.execute(
            "delete from billing.documents where document_id = any($1)", list(document_ids)
        )

    async def take_numbers(self, series: str, count: int, today: date) -> tuple[int, date]:
        """Return the first of `count` numbers in a row, and the day on which their documents are issued: today,
        or that of the series' last document, if that is later. The series stays locked until commit, so a
        roll-back leaves no gap, and dates rise with numbers."""
        row = await self._connection.fetchrow(
            """insert into billing.number_series as series (series, next, issued_on) values ($1, 1 + $2, $3)
               on conflict (series) do update set next = series.next + $2,
                   issued_on = greatest(series.issued_on, $3)
               returning next - $2, issued_on""",
            series,
            count,
            today,
        )
        assert row is not None, "an upsert without a condition returns its row"
        first, issued_on = row
        return first, issued_on

    async def insert_lines(self, drafts: Sequence[Draft]) -> None:
        """Write the lines of these drafts down, in order."""
        lines = [
            LineRow.of(draft.document_id, position, line)
            for draft in drafts
            for position, line in enumerate(draft.lines, 1)
        ]
        await self._connection.execute(LINES.sql, *LINES.columns_of(lines))

    async def finalize(self, documents: Sequence[Numbered], now: datetime) -> None:
        """Turn these drafts into history."""
        rows = [FinalizedRow.of(document, now) for document in documents]
        await self._connection.execute(FINALIZED.sql, *FINALIZED.columns_of(rows))

    async def resolve_exceptions(
        self, references: Sequence[str], now: datetime, but: Sequence[str] = ()
    ) -> None:
        """Close the open exceptions of finalization about these drafts, those of the kinds `but` aside."""
        await self._connection.execute(
            """update billing.exceptions set resolved_at = $2
               where resolved_at is null and reference = any($1) and kind <> all($3) and kind = any($4)""",
            list(references),
            now,
            list(but),
            list(OBSTACLES),
        )


class NumberSeriesRepository:
    """The series that numbers come from, and the numbers that were published for documents that are gone."""

    def __init__(self, connection: asyncpg.Connection) -> None:
        self._connection = connection

    async def withdraw_up_to(self, highest: Mapping[str, int]) -> list[tuple[str, int]]:
        """Withdraw every number of these series up to the highest that is not given yet; return (series,
        counter) of each."""
        rows = await self._connection.fetch(
            """insert into billing.withdrawn_numbers (series, counter)
               select s.series, counter from unnest($1::text[], $2::bigint[]) s (series, highest)
                   left join billing.number_series known using (series)
               cross join lateral generate_series(coalesce(known.next, 1), s.highest) counter
                   returning series, counter""",
            list(highest),
            list(highest.values()),
        )
        return [(row["series"], row["counter"]) for row in rows]

    async def move_past(self, highest: Mapping[str, int], latest: Mapping[str, date]) -> None:
        """Let each series go on behind its highest number and on no earlier day than its latest."""
        await self._connection.execute(
            """insert into billing.number_series as known (series, next, issued_on)
               select series, highest + 1, latest
               from unnest($1::text[], $2::bigint[], $3::date[]) s (series, highest, latest)
               on conflict (series) do update set next = greatest(known.next, excluded.next),
                   issued_on = greatest(known.issued_on, excluded.issued_on)""",
            list(highest),
            list(highest.values()),
            [latest[series] for series in highest],
        )


def _draft(
    row: asyncpg.Record,
    statements: Sequence[StatementMessage],
    documented: Mapping[Period, Documented],
) -> Draft:
    lines = [
        line
        for statement in statements
        for line in lines_of_draft(statement, documented_of(statement, documented), segments=True)
    ]
    return read(
        Draft,
        row,
        kind=KINDS[row["kind"]],
        customer_name=row["known_name"],
        contract_periods=tuple(
            (statement.contract, from_us(statement.period_start_us)) for statement in statements
        ),
        lines=tuple(lines),
        revisions={statement.statement_id: statement.revision for statement in statements},
        approval=msgspec.convert(row["approval"], Approval | None),
        block=next((statement.block for statement in statements if statement.block), None),
        # What its lines correct first of all: the newest of the documents before it that they name.
        corrects=next((line.corrects.document_id for line in lines if line.corrects), None),
    )
