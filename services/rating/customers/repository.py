"""SQL of customers."""

from collections.abc import Sequence
from datetime import datetime

import asyncpg

from services.rating.customers.rows import Customer, CustomerFilter
from services.rating.metering.activity.repository import ASK_AGAIN
from services.rating.metering.repository.candidates import NOTED
from services.rating.metering.repository.usage import FENCE
from shared.db.columns import read
from shared.db.filters import narrowed
from shared.db.listing import Window, begins, counted

_CUSTOMERS = """
select customer_id, external_id, name, legal_entity, timezone, revision, created_at,
    array(select s.subject from rating.subjects s where s.customer_id = c.customer_id and s.alias
        order by s.subject) as aliases
from rating.customers c
"""


_CONDITIONS = {"q": begins("c.external_id", "c.name")}
_RANKS = {"external_id": "c.external_id", "name": "c.name", "created_at": "c.created_at"}


class CustomerRepository:
    def __init__(self, connection: asyncpg.Connection) -> None:
        self._connection = connection

    async def close_fence(self) -> None:
        """Wait until no batch is being metered, and keep new ones out: whatever is marked from now on finds
        the new name."""
        await self._connection.execute("select pg_advisory_xact_lock($1)", FENCE)

    async def customer(self, external_id: str) -> Customer | None:
        row = await self._connection.fetchrow(f"{_CUSTOMERS} where c.external_id = $1", external_id)
        return _customer(row) if row else None

    async def hold_page(self, after: str, limit: int) -> None:
        """Let none of these customers change until the transaction ends: those of one page, after a name."""
        await self._connection.execute(
            "select from rating.customers where external_id > $1 order by external_id limit $2 for share",
            after,
            limit,
        )

    async def page(self, wanted: CustomerFilter, window: Window) -> list[Customer]:
        asked = window.over(narrowed(wanted, _CONDITIONS), _RANKS, "c.external_id")
        rows = await self._connection.fetch(f"{_CUSTOMERS} where {asked.sql}", *asked.parameters)
        return [_customer(row) for row in rows]

    async def count(self, wanted: CustomerFilter) -> int:
        """How many there are, or one more than are counted."""
        return await counted(self._connection, "rating.customers c", narrowed(wanted, _CONDITIONS))

    async def insert(self, customer: Customer) -> bool:
        """Insert the customer without its names; False when its external id is taken."""
        return bool(
            await self._connection.fetchval(
                """insert into rating.customers (customer_id, external_id, name, legal_entity, timezone,
                    revision, created_at)
               values ($1, $2, $3, $4, $5, $6, $7) on conflict (external_id) do nothing returning true""",
                customer.customer_id,
                customer.external_id,
                customer.name,
                customer.legal_entity,
                customer.timezone,
                customer.revision,
                customer.created_at,
            )
        )

    async def hold_ownership(self) -> None:
        """Wait until no period is being closed, and let none be, until this transaction ends: a subject that
        leaves is on the final statements that were there before, and on none that follows.
        """
        await self._connection.execute("lock table rating.departed_subjects in exclusive mode")

    async def replace(self, customer: Customer) -> None:
        """Write name, legal entity, time zone and revision."""
        await self._connection.execute(
            "update rating.customers set name = $2, legal_entity = $3, timezone = $4, revision = $5 where customer_id = $1",
            customer.customer_id,
            customer.name,
            customer.legal_entity,
            customer.timezone,
            customer.revision,
        )

    async def take_back(self, customer_id: str, aliases: Sequence[str], now: datetime) -> None:
        """Let these aliases mean the customer no more, and remember that they did: their usage may wait."""
        await self._connection.execute(
            f"""with gone as (delete from rating.subjects
                where customer_id = $1 and alias and subject = any($2::text[]) returning subject),
               departed as (
                   insert into rating.departed_subjects (subject, customer_id, left_at) select subject, $1, $3
                       from gone
                   on conflict (subject, customer_id) do update set left_at = excluded.left_at,
                       stamped_at = clock_timestamp())
               insert into rating.suspense_candidates (subject) select subject from gone order by 1 {NOTED}""",
            customer_id,
            list(aliases),
            now,
        )

    async def insert_subjects(self, customer_id: str, subjects: Sequence[tuple[str, bool]]) -> list[str]:
        """Give the customer these (subject, is alias); return those that are taken by anyone."""
        wanted = sorted(dict(subjects).items())
        rows = await self._connection.fetch(
            """insert into rating.subjects (subject, customer_id, alias)
               select subject, $1, alias from unnest($2::text[], $3::boolean[]) n (subject, alias)
               on conflict do nothing returning subject""",
            customer_id,
            [subject for subject, _ in wanted],
            [alias for _, alias in wanted],
        )
        return sorted({subject for subject, _ in wanted} - {row["subject"] for row in rows})

    async def mark_usage(self, subjects: Sequence[str]) -> None:
        """Mark every UTC day on which these subjects have usage: what was in suspense is to be priced. Their
        activity is told again."""
        await self._connection.execute(
            f"""with again as ({ASK_AGAIN.format(subjects="unnest($1::text[]) a (subject)")})
               insert into rating.marks (subject, day, at_once)
               select subject, day, true from rating.usage_days where subject = any($1::text[])
               union select subject, (hour at time zone 'UTC')::date, true from rating.usage_uniques
                   where subject = any($1::text[])""",
            list(subjects),
        )


def _customer(row: asyncpg.Record) -> Customer:
    return read(Customer, row, aliases=tuple(row["aliases"]))
