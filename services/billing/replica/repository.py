"""All SQL of what billing heard: one statement a batch, rows in key order so that two consumers never
deadlock."""

from collections.abc import Sequence
from datetime import date

import asyncpg
import msgspec

from shared.runtime.clock import from_us
from shared.topics.rating import STATEMENTS, CustomerMessage, StatementMessage
from shared.values.ids import new_ids


class HeardRepository:
    """The tables `statements_heard`, `customers`, and the drafts that follow."""

    def __init__(self, connection: asyncpg.Connection) -> None:
        self._connection = connection

    async def replace_statements(self, statements: Sequence[StatementMessage]) -> set[str]:
        """Upsert those that are newer than what is here; return their statement ids. A final one is never
        replaced."""
        if not statements:
            return set()
        rows = await self._connection.fetch(
            """insert into billing.statements_heard as heard
                   (statement_id, revision, contract, customer_id, period_start, period_end, final, watermark,
                       said)
               select * from unnest($1::uuid[], $2::bigint[], $3::text[], $4::text[], $5::timestamptz[],
                   $6::timestamptz[],
                                    $7::boolean[], $8::jsonb[], $9::text[])
               on conflict (statement_id) do update set
                   revision = excluded.revision, contract = excluded.contract,
                       customer_id = excluded.customer_id,
                   period_start = excluded.period_start, period_end = excluded.period_end,
                       final = excluded.final,
                   watermark = excluded.watermark, said = excluded.said
               where heard.revision < excluded.revision and not heard.final
               returning statement_id""",
            [s.statement_id for s in statements],
            [s.revision for s in statements],
            [s.contract for s in statements],
            [s.customer_id for s in statements],
            [from_us(s.period_start_us) for s in statements],
            [from_us(s.period_end_us) for s in statements],
            [s.final for s in statements],
            [s.watermark for s in statements],
            [STATEMENTS.encode(s).decode() for s in statements],
        )
        return {str(row["statement_id"]) for row in rows}

    async def replace_drafts(self, statements: Sequence[StatementMessage]) -> None:
        """Let the draft of each statement say what the statement says; make it where there is none. History
        is left alone."""
        if not statements:
            return
        await self._connection.execute(
            """insert into billing.documents as document
                   (document_id, kind, contract, customer_id, customer, legal_entity, currency, timezone,
                       period_start, period_end,
                    start_date, end_date, statement_id, statement_revision, statement_final, watermark,
                        watermark_us, net_days, skip_zero,
                    subtotal_minor, total_minor, held)
               select document_id, 'invoice', contract, customer_id, customer, legal_entity, currency,
                   timezone, period_start, period_end,
                    start_date, end_date, statement_id, revision, final, watermark, watermark_us, net_days,
                        skip_zero, subtotal, subtotal,
                    held
               from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[],
                   $8::timestamptz[],
                    $9::timestamptz[], $10::date[], $11::date[], $12::uuid[], $13::bigint[], $14::boolean[],
                        $15::jsonb[], $16::bigint[],
                    $17::integer[], $18::boolean[], $19::bigint[], $20::jsonb[])
                    as said (document_id, contract, customer_id, customer, legal_entity, currency, timezone,
                        period_start, period_end,
                    start_date, end_date, statement_id, revision, final, watermark, watermark_us, net_days,
                        skip_zero, subtotal, held)
               on conflict (contract, period_start) where kind = 'invoice' do update set
                   customer_id = excluded.customer_id, customer = excluded.customer,
                       legal_entity = excluded.legal_entity,
                   currency = excluded.currency, timezone = excluded.timezone,
                       period_end = excluded.period_end,
                   start_date = excluded.start_date, end_date = excluded.end_date,
                       statement_id = excluded.statement_id,
                   statement_revision = excluded.statement_revision,
                       statement_final = excluded.statement_final,
                   watermark = excluded.watermark, watermark_us = excluded.watermark_us,
                       net_days = excluded.net_days,
                   skip_zero = excluded.skip_zero, subtotal_minor = excluded.subtotal_minor,
                       total_minor = excluded.total_minor,
                   held = excluded.held
               where document.status = 'draft'""",
            _document_ids(statements),
            [s.contract for s in statements],
            [s.customer_id for s in statements],
            [s.customer for s in statements],
            [s.legal_entity for s in statements],
            [s.currency for s in statements],
            [s.timezone for s in statements],
            [from_us(s.period_start_us) for s in statements],
            [from_us(s.period_end_us) for s in statements],
            [date.fromisoformat(s.period_start_date) for s in statements],
            [date.fromisoformat(s.period_end_date) for s in statements],
            [s.statement_id for s in statements],
            [s.revision for s in statements],
            [s.final for s in statements],
            [s.watermark for s in statements],
            [s.watermark_us for s in statements],
            [s.net_days for s in statements],
            [s.skip_zero_invoices for s in statements],
            [s.subtotal_minor for s in statements],
            [msgspec.to_builtins(s.held) for s in statements],
        )

    async def after_final(self, refused: Sequence[StatementMessage]) -> list[StatementMessage]:
        """Return those that are newer than the final revision that is here: nobody may say them."""
        if not refused:
            return []
        final = {
            str(row["statement_id"]): row["revision"]
            for row in await self._connection.fetch(
                "select statement_id, revision from billing.statements_heard where statement_id = any($1::uuid[]) and final",
                [s.statement_id for s in refused],
            )
        }
        return [s for s in refused if s.statement_id in final and s.revision > final[s.statement_id]]

    async def unheard(self, pages: Sequence[StatementMessage]) -> list[StatementMessage]:
        """Return the pages of revisions newer than the statement that is here, if that is not final."""
        if not pages:
            return []
        known = {
            str(row["statement_id"]): row
            for row in await self._connection.fetch(
                "select statement_id, revision, final from billing.statements_heard where statement_id = any($1::uuid[])",
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
        return len(
            await self._connection.fetch(
                """insert into billing.customers as heard (customer_id, revision, external_id, name, aliases,
                    legal_entity, timezone)
               select customer_id, revision, external_id, name,
                   array(select jsonb_array_elements_text(aliases)), legal_entity, timezone
               from unnest($1::text[], $2::bigint[], $3::text[], $4::text[], $5::jsonb[], $6::text[],
                   $7::text[])
                   as said (customer_id, revision, external_id, name, aliases, legal_entity, timezone)
               on conflict (customer_id) do update set
                   revision = excluded.revision, external_id = excluded.external_id, name = excluded.name,
                       aliases = excluded.aliases,
                   legal_entity = excluded.legal_entity, timezone = excluded.timezone
               where heard.revision < excluded.revision returning customer_id""",
                [c.customer_id for c in customers],
                [c.revision for c in customers],
                [c.external_id for c in customers],
                [c.name for c in customers],
                [c.aliases for c in customers],
                [c.legal_entity for c in customers],
                [c.timezone for c in customers],
            )
        )


def _document_ids(statements: Sequence[StatementMessage]) -> list[str]:
    """An id each: lists show documents by id, so of those made at once the one of the latest period is the
    newest."""
    by_period = sorted(
        range(len(statements)),
        key=lambda place: (statements[place].period_start_us, statements[place].contract),
    )
    given = dict(zip(by_period, new_ids("inv", len(statements)), strict=True))
    return [given[place] for place in range(len(statements))]
