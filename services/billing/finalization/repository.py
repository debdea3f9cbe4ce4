"""All SQL of finalization. Every method is one statement over the whole chunk."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

import asyncpg
import msgspec

from services.billing.finalization.domain.drafts import OBSTACLES, Draft, Numbered
from services.billing.finalization.domain.posting import postings_of
from shared.runtime.clock import machine_now
from shared.topics.rating import StatementLine
from shared.values.ids import new_ids

_DUE = "document.status = 'draft' and document.statement_final and (document.held_until is null or document.held_until <= $1)"


class FinalizationRepository:
    """Drafts that are due, and what they become."""

    def __init__(self, connection: asyncpg.Connection) -> None:
        self._connection = connection

    async def due(self, drafts_max: int) -> list[Draft]:
        """Return drafts of final statements that are not held, older periods first."""
        rows = await self._connection.fetch(
            f"""select document.*, coalesce(document.customer_name, customer.name) as name_heard,
                heard.document -> 'lines' as lines
                from billing.documents document
                join billing.statements_heard heard using (statement_id)
                left join billing.customers customer on customer.customer_id = document.customer_id
                where {_DUE} and heard.revision = document.statement_revision
                order by document.legal_entity, document.period_start, document.contract limit $2""",
            machine_now(),
            drafts_max,
        )
        return [_draft(row) for row in rows]

    async def is_any_due(self) -> bool:
        return bool(
            await self._connection.fetchval(
                f"select exists (select from billing.documents document where {_DUE})", machine_now()
            )
        )

    async def hold(self, document_ids: Sequence[str], hold_s: int) -> None:
        """Look at these drafts again after `hold_s` of the machine clock."""
        await self._connection.execute(
            """update billing.documents set held_until = clock_timestamp() + make_interval(secs => $2)
               where document_id in (select document_id from billing.documents
                   where document_id = any($1) and status = 'draft'
                                     order by document_id for update skip locked)""",
            list(document_ids),
            hold_s,
        )

    async def lock(self, document_ids: Collection[str]) -> set[str]:
        """Lock those that are still drafts and that nobody else holds; return their ids."""
        rows = await self._connection.fetch(
            """select document_id from billing.documents
                where document_id = any($1) and status = 'draft' and statement_final
               order by document_id for update skip locked""",
            list(document_ids),
        )
        return {row["document_id"] for row in rows}

    async def drop_drafts(self, document_ids: Sequence[str]) -> None:
        """Delete drafts that leave no document; their statements stay."""
        await self._connection.execute(
            "delete from billing.documents where document_id = any($1)", list(document_ids)
        )

    async def take_numbers(self, series: str, count: int) -> int:
        """Return the first of `count` numbers in a row. The series stays locked until commit, so a roll-back
        leaves no gap."""
        first: int = await self._connection.fetchval(
            """insert into billing.number_series as series (series, next) values ($1, 1 + $2)
               on conflict (series) do update set next = series.next + $2 returning next - $2""",
            series,
            count,
        )
        return first

    async def insert_lines(self, drafts: Sequence[Draft]) -> None:
        """Write the lines of these drafts down, in the order of their statements."""
        lines = [
            (draft.document_id, position, line)
            for draft in drafts
            for position, line in enumerate(draft.lines, 1)
        ]
        await self._connection.execute(
            """insert into billing.document_lines (document_id, position, line_id, key, clause_id,
                clause_hash, version, kind, meter,
                   description, quantity, amount_minor, segments)
               select * from unnest($1::text[], $2::integer[], $3::text[], $4::text[], $5::text[], $6::text[],
                   $7::integer[], $8::text[],
                   $9::text[], $10::text[], $11::numeric[], $12::bigint[], $13::jsonb[])""",
            [document_id for document_id, _, _ in lines],
            [position for _, position, _ in lines],
            [line.line_id for _, _, line in lines],
            [line.key for _, _, line in lines],
            [line.clause_id for _, _, line in lines],
            [line.clause_hash for _, _, line in lines],
            [line.version for _, _, line in lines],
            [line.kind for _, _, line in lines],
            [line.meter for _, _, line in lines],
            [line.description for _, _, line in lines],
            [line.quantity for _, _, line in lines],
            [line.amount_minor for _, _, line in lines],
            [msgspec.Raw(_encoder.encode(line.segments)) for _, _, line in lines],
        )

    async def finalize(self, documents: Sequence[Numbered], now: datetime) -> None:
        """Turn these drafts into history."""
        await self._connection.execute(
            """update billing.documents document set status = 'finalized', series = said.series,
                number = said.number,
                   issued_on = said.issued_on, due_on = said.due_on, customer_name = said.customer_name,
                       finalized_at = $7, held_until = null
               from unnest($1::text[], $2::text[], $3::text[], $4::date[], $5::date[], $6::text[])
                   as said (document_id, series, number, issued_on, due_on, customer_name)
               where document.document_id = said.document_id""",
            [d.draft.document_id for d in documents],
            [d.series for d in documents],
            [d.number for d in documents],
            [d.issued_on for d in documents],
            [d.due_on for d in documents],
            [d.draft.customer_name for d in documents],
            now,
        )

    async def post(self, documents: Sequence[Numbered]) -> None:
        """Insert one entry a document, and its postings, all at once: the database checks that each
        balances."""
        entries = list(zip(new_ids("jou", len(documents)), documents, strict=True))
        await self._connection.execute(
            """insert into billing.journal_entries (entry_id, document_id, posted_on, description)
               select * from unnest($1::text[], $2::text[], $3::date[], $4::text[])""",
            [entry_id for entry_id, _ in entries],
            [d.draft.document_id for _, d in entries],
            [d.issued_on for _, d in entries],
            [f"{d.draft.kind} {d.number}" for _, d in entries],
        )
        postings = [
            (
                entry_id,
                position,
                posting.account,
                posting.amount_minor,
                document.draft.currency,
                posting.line_id,
            )
            for entry_id, document in entries
            for position, posting in enumerate(postings_of(document.draft), 1)
        ]
        await self._connection.execute(
            """insert into billing.journal_postings (entry_id, position, account, amount_minor, currency,
                line_id)
               select * from unnest($1::text[], $2::integer[], $3::text[], $4::bigint[], $5::text[],
                   $6::text[])""",
            *([posting[column] for posting in postings] for column in range(6)),
        )

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


_encoder = msgspec.json.Encoder(decimal_format="string")


def _draft(row: Any) -> Draft:
    return Draft(
        document_id=row["document_id"],
        kind=row["kind"],
        contract=row["contract"],
        customer_id=row["customer_id"],
        customer=row["customer"],
        customer_name=row["name_heard"],
        legal_entity=row["legal_entity"],
        currency=row["currency"],
        timezone=row["timezone"],
        period_start=row["period_start"],
        start_date=row["start_date"],
        end_date=row["end_date"],
        net_days=row["net_days"],
        skip_zero=row["skip_zero"],
        subtotal_minor=row["subtotal_minor"],
        total_minor=row["total_minor"],
        corrects=row["corrects"],
        lines=msgspec.convert(row["lines"], tuple[StatementLine, ...]),
    )
