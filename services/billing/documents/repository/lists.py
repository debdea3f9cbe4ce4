"""SQL of lists of documents: which of them fit, in an order, from a place on; how many; and what they come to.

An open draft changes every minute, and no index has what changes of it: a column that one has costs each revision the writes
of all others. So finalized documents are found by indexes of columns of their own (`ranked_minor`, `ranked_change`), drafts
are sorted, and the two are put together.
"""

from collections.abc import Iterator, Mapping

import asyncpg

from services.billing.documents.domain.filters import DocumentFilter, Place
from services.billing.documents.rows import Total
from shared.db.filters import COUNTED_MAX, Where, narrowed
from shared.db.listing import Window, begins, counted

#: More customers than these whose names fit are looked up for each document, not before.
NAMES_MAX = 1000
SOURCE = "billing.documents document"
IDENTITY = "document.document_id"
_CONDITIONS = {
    "period_from": "document.start_date >= {}",
    "period_to": "document.end_date <= {}",
    "ends_from": "document.end_date >= {}",
    "ends_to": "document.end_date <= {}",
    "issued_from": "document.issued_on >= {}",
    "issued_to": "document.issued_on <= {}",
    "due_from": "document.due_on >= {}",
    "due_to": "document.due_on <= {}",
    "status": "",
    "q": "",
}
#: Of a draft, of a finalized document: what it is found by of its total.
_AMOUNTS = {"draft": "document.total_minor", "finalized": "document.ranked_minor"}
_ALIKE = {"created": IDENTITY, "customer": "document.customer"}
_RANKS: Mapping[str, Mapping[str, str]] = {
    "draft": {
        **_ALIKE,
        "amount": _AMOUNTS["draft"],
        "change": "document.change",
        # What has no day yet comes after all that have one.
        "issued": "'infinity'::date",
        "due": "'infinity'::date",
    },
    "finalized": {
        **_ALIKE,
        "amount": _AMOUNTS["finalized"],
        "change": "document.ranked_change",
        "issued": "document.issued_on",
        "due": "document.due_on",
    },
}
_BEGIN = begins("document.number", "document.contract")
_NAMED = begins("customer.name", "customer.external_id")


class ListRepository:
    """Documents by what they are asked for."""

    def __init__(self, connection: asyncpg.Connection) -> None:
        self._connection = connection

    async def page(self, asked: DocumentFilter, window: Window) -> list[Place]:
        """The places of the documents in this window."""
        names, where, parts = await self._names(asked.q), Where(), list[str]()
        for status in _statuses(asked):
            ranks = _RANKS[status]
            where = window.over(_fitting(asked, status, names, where), ranks, IDENTITY)
            parts.append(
                f"(select {ranks[window.order.key]} as rank, {IDENTITY} from {SOURCE} where {where.sql})"
            )
        if not parts:
            return []
        way = "desc" if window.order.descending else "asc"
        rows = await self._connection.fetch(
            f"""select rank, document_id from ({" union all ".join(parts)}) each
                order by rank {way}, document_id {way} limit {window.rows_max:d}""",
            *where.parameters,
        )
        return [Place(**row) for row in rows]

    async def count(self, asked: DocumentFilter) -> int:
        """How many fit; one more than COUNTED_MAX where it is more."""
        names, found = await self._names(asked.q), 0
        for status in _statuses(asked):
            found += await counted(self._connection, SOURCE, _fitting(asked, status, names, Where()))
        return min(found, COUNTED_MAX + 1)

    async def totals(self, asked: DocumentFilter) -> list[Total]:
        """What those that fit come to, by state and currency; of drafts as they were heard."""
        if asked == DocumentFilter(status=asked.status, state=asked.state, currency=asked.currency):
            return await self._kept_totals(asked)
        names, where, parts = await self._names(asked.q), Where(), list[str]()
        for status in _statuses(asked):
            where = _fitting(asked, status, names, where)
            state = "document.state" if status == "draft" else "'finalized'"
            parts.append(
                f"""select {state} as state, document.currency, count(*) as documents,
                    sum({_AMOUNTS[status]})::numeric as total_minor from {SOURCE} where {where.sql} group by 1, 2"""
            )
        if not parts:
            return []
        rows = await self._connection.fetch(f"{' union all '.join(parts)} order by 1, 2", *where.parameters)
        return [Total(**{**row, "total_minor": int(row["total_minor"])}) for row in rows]

    async def _kept_totals(self, asked: DocumentFilter) -> list[Total]:
        """The same of what is asked for by state and currency alone."""
        where = Where().also("state = {}", asked.state).also("currency = {}", asked.currency)
        for status, fits in (("finalized", asked.may_be_finalized), ("draft", asked.may_be_drafts)):
            if not fits:
                where = where.also(f"state {'<>' if status == 'finalized' else '='} 'finalized'")
        rows = await self._connection.fetch(
            f"""select state, currency, sum(documents)::bigint as documents, sum(total_minor)::text as total_minor
                from billing.document_sums where {where.sql} group by 1, 2 having sum(documents) <> 0 order by 1, 2""",
            *where.parameters,
        )
        return [Total(**{**row, "total_minor": int(row["total_minor"])}) for row in rows]

    async def merge_sums(self, rows_max: int) -> None:
        """Make one of the rows that a state and currency is the sum of, where there are more than so many."""
        await self._connection.execute(
            """with merged as (
                   delete from billing.document_sums
                   where (select count(*) from (select from billing.document_sums limit $1 + 1) kept) > $1
                   returning state, currency, documents, total_minor)
               insert into billing.document_sums (state, currency, documents, total_minor)
               select state, currency, sum(documents), sum(total_minor) from merged
               group by 1, 2 having sum(documents) <> 0 or sum(total_minor) <> 0""",
            rows_max,
        )

    async def _names(self, q: str | None) -> list[str] | None:
        """The customers whose ids or names begin like this; None where they are too many to be listed."""
        if q is None:
            return None
        where = Where().also(_NAMED, q)
        rows = await self._connection.fetch(
            f"select external_id from billing.customers customer where {where.sql} limit {NAMES_MAX + 1:d}",
            *where.parameters,
        )
        return None if len(rows) > NAMES_MAX else [row["external_id"] for row in rows]


def _statuses(asked: DocumentFilter) -> Iterator[str]:
    if asked.may_be_drafts:
        yield "draft"
    if asked.may_be_finalized:
        yield "finalized"


def _fitting(asked: DocumentFilter, status: str, names: list[str] | None, following: Where) -> Where:
    """Documents of one status that fit; `names`: the customers that `q` finds, None: too many."""
    conditions = {
        **_CONDITIONS,
        "state": "" if status == "finalized" else "document.state = {}",
        "amount_from": f"{_AMOUNTS[status]} >= {{}}",
        "amount_to": f"{_AMOUNTS[status]} <= {{}}",
    }
    where = narrowed(asked, conditions, "document", following).also(f"document.status = '{status}'")
    if names is not None:
        return where.also(f"({_BEGIN} or document.customer = any({{1}}))", asked.q, names)
    named = f"""exists (select from billing.customers customer
        where customer.customer_id = document.customer_id and {_NAMED})"""
    return where.also(f"({_BEGIN} or {named})", asked.q)
