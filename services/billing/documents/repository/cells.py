"""SQL of finalized documents as the cells of their CSV, as `DocumentAnswer` says them: made where they are stored, since a
download has very many. `tests/services/billing/documents/test_cells.py` holds the two against each other."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Final

import asyncpg
import msgspec

from shared.http.page import Cells
from shared.values.money import currencies

_JSON: Final = ("lines", "draws", "revisions", "statements")


def _amount(minor: str) -> str:
    """With the currency's own decimals: the scale of a product is that of its factors."""
    return f"({minor} * money.unit)::text"


def _day(column: str) -> str:
    return f"to_char({column}, 'YYYY-MM-DD')"


def _instant(expression: str) -> str:
    at = f"""to_char({expression} at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')"""
    return f"replace({at}, '.000000', '')"


#: The days that a line or a statement names, as an object of its own.
_PERIOD: Final = (
    """cross join lateral (select {0}.start_date as start, {0}.end_date as "end" offset 0) period"""
)
_LINES: Final = f"""select array_to_json(array_agg(said)) as lines from (
    select line.line_id as id, line.key, line.contract, period, line.statement_id as statement,
        line.clause_id as clause, line.clause_hash, line.version, line.kind, line.meter, line.description,
        trim_scale(line.quantity)::text as quantity, {_amount("line.amount_minor")} as amount, line.tax_class,
        case when line.corrects_document is not null then corrected end as corrects
    from billing.document_lines line {_PERIOD.format("line")}
        cross join lateral (select line.corrects_document as document, line.corrects_line as line offset 0) corrected
    where line.document_id = document.document_id order by line.position) said"""
_DRAWS: Final = f"""select array_to_json(array_agg(said)) as draws from (
    select draw ->> 'block' as block, draw ->> 'kind' as kind, line.line_id as line,
        {_amount("(draw ->> 'amount_minor')::bigint")} as amount
    from billing.document_lines line cross join jsonb_array_elements(line.draws) with ordinality each (draw, number)
    where line.document_id = document.document_id and line.draws <> '[]' order by line.position, number) said"""
_STATEMENTS: Final = f"""select array_to_json(array_agg(said)) as statements,
        '{{' || string_agg(format('"%s":%s', said.id, said.revision), ',') || '}}' as revisions
    from (
    select made_from.statement_id as id, made_from.contract, period, made_from.revision, made_from.final,
        replace(made_from.watermark::text, ' ', '')::json as watermark, made_from.watermark_us,
        case when made_from.watermark_us <> 0 then
            {_instant("(timestamptz 'epoch' + made_from.watermark_us * interval '1 microsecond')")}
        end as watermark_at
    from billing.document_statements made_from {_PERIOD.format("made_from")}
    where made_from.document_id = document.document_id order by made_from.period_start, made_from.contract) said"""
_MORE: Final = "(document.total_minor::numeric - document.previous_minor)"
_BEFORE: Final = "abs(document.previous_minor::numeric)"
#: Hundredths of a per cent, a half rounded away from zero, without a quotient that was rounded before.
_PERCENT: Final = f"sign({_MORE}) * div(20000 * abs({_MORE}) + {_BEFORE}, nullif(2 * {_BEFORE}, 0)) * 0.01"
_COLUMNS: Final = {
    "id": "document.document_id",
    "number": "document.number",
    "kind": "document.kind",
    "status": "document.status",
    "state": "document.state",
    "stale": "false",
    "customer": "document.customer",
    "customer_name": "document.customer_name",
    "contract": "document.contract",
    "legal_entity": "document.legal_entity",
    "currency": "document.currency",
    "timezone": "document.timezone",
    "period.start": _day("document.start_date"),
    "period.end": _day("document.end_date"),
    "occasion": "document.occasion",
    "issued_on": _day("document.issued_on"),
    "due_on": _day("document.due_on"),
    "lines": "coalesce(of_lines.lines, '[]')",
    "subtotal": _amount("document.subtotal_minor"),
    "draws": "coalesce(of_draws.draws, '[]')",
    "total": _amount("document.total_minor"),
    "change.previous": _amount("document.previous_minor"),
    "change.amount": _amount(_MORE),
    "change.percent": f"trim_scale({_PERCENT})::text",
    "revisions": "coalesce(of_statements.revisions, '{}')",
    "corrects": "document.corrects",
    "statements": "coalesce(of_statements.statements, '[]')",
    "finalized_at": "document.finalized_at",
    "created_at": "document.created_at",
}
_SELECTED: Final = ", ".join(f'{expression} as "{name}"' for name, expression in _COLUMNS.items())
#: What people said of a document is read as it is shown.
_FINALIZED: Final = f"""select {_SELECTED}
    from billing.documents document
        join unnest($2::text[], $3::numeric[]) as money (code, unit) on money.code = document.currency
        cross join lateral ({_LINES}) of_lines
        cross join lateral ({_DRAWS}) of_draws
        cross join lateral ({_STATEMENTS}) of_statements
    where document.document_id = any($1) and document.status = 'finalized'
        and num_nonnulls(document.hold, document.approval, document.seen) = 0"""
_UNITS: Final = {one.code: Decimal(1).scaleb(-one.exponent) for one in currencies()}


class CellsRepository:
    """Documents as cells."""

    def __init__(self, connection: asyncpg.Connection) -> None:
        self._connection = connection

    async def finalized(self, document_ids: Sequence[str]) -> dict[str, Cells]:
        """Document id → its cells, of those that are history and of which people have said nothing."""
        rows = await self._connection.fetch(
            _FINALIZED, list(document_ids), list(_UNITS), list(_UNITS.values())
        )
        return {
            row["id"]: Cells(row, **{name: msgspec.Raw(row[name].encode()) for name in _JSON}) for row in rows
        }
