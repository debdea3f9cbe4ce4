"""All SQL of what documents settle."""

from collections.abc import Sequence
from datetime import date

import asyncpg

from services.signals.domain.settled import Settled
from services.signals.domain.stake import Stake
from services.signals.replica.rows import HeardDocument, SettledPeriodRow
from shared.db.columns import insert, upsert
from shared.values.period import add_months

HEARD = upsert("signals.documents", HeardDocument, key=("document_id",), only="known.awaited").returning(
    "document_id"
)
SETTLED = insert("signals.settled", Settled)
A_YEAR_MONTHS = 12


class SettledRepository:
    """Reads and writes what documents settle, on one connection."""

    def __init__(self, connection: asyncpg.Connection) -> None:
        self._connection = connection

    async def note(self, documents: Sequence[HeardDocument]) -> set[str]:
        """Note that documents are heard, each once; return the ids of those that were not. Their ids are distinct."""
        rows = await self._connection.fetch(HEARD.sql, *HEARD.columns_of(documents))
        return {row["document_id"] for row in rows}

    async def store(self, settled: Sequence[Settled]) -> None:
        """Keep what documents settle that were not heard before."""
        await self._connection.execute(SETTLED.sql, *SETTLED.columns_of(settled))

    async def settled_of(self, customer_ids: Sequence[str], day: date) -> dict[str, Stake | None]:
        """Customer id → contract → currency → minor units settled, as last corrected, of the service periods that ended
        in the twelve months before `day`; what was short of a commitment is in it, one-off charges are not.

        A customer of whom nothing is settled has no contract. One has None while a document is awaited that was told
        before money was kept: what is known of it would be too little.
        """
        found: dict[str, dict[str, dict[str, int]]] = {customer_id: {} for customer_id in customer_ids}
        for row in await self._connection.fetch(
            """select customer_id, contract, currency, sum(settled_minor + shortfall_minor)::bigint as minor
               from signals.settled where customer_id = any($1) and end_date >= $2 and end_date < $3
               group by 1, 2, 3 order by 1, 2, 3""",
            list(customer_ids),
            add_months(day, -A_YEAR_MONTHS),
            day,
        ):
            found[row["customer_id"]].setdefault(row["contract"], {})[row["currency"]] = row["minor"]
        awaited = await self.awaited(customer_ids)
        return {customer: None if customer in awaited else by for customer, by in found.items()}

    async def periods(self, customer_id: str, first: date, end: date) -> list[SettledPeriodRow]:
        """What is settled of each service period that ended on the days [first, end), as last corrected, the newest
        first."""
        rows = await self._connection.fetch(
            """select contract, start_date, end_date, currency, sum(settled_minor)::bigint as settled_minor,
                   sum(shortfall_minor)::bigint as shortfall_minor, array_agg(distinct document_id) as documents
               from signals.settled where customer_id = $1 and end_date >= $2 and end_date < $3
               group by 1, 2, 3, 4 order by end_date desc, contract, start_date, currency""",
            customer_id,
            first,
            end,
        )
        return [SettledPeriodRow(**row) for row in rows]

    async def awaited(self, customer_ids: Sequence[str]) -> set[str]:
        """Those of these customers a document of whom is awaited."""
        rows = await self._connection.fetch(
            "select distinct customer_id from signals.documents where awaited and customer_id = any($1)",
            list(customer_ids),
        )
        return {row["customer_id"] for row in rows}
