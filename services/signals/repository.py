"""All SQL of signals."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

import asyncpg
import msgspec

from shared.clock import from_us
from shared.topics.rating import ActivityMessage, ContractVersionMessage, CustomerMessage, StatementMessage

STORE_STATEMENTS = """
insert into signals.statements (contract, period_start, period_end, revision, customer, final, document)
select * from unnest($1::text[], $2::timestamptz[], $3::timestamptz[], $4::bigint[], $5::text[], $6::boolean[], $7::jsonb[])
on conflict (contract, period_start) do update set period_end = excluded.period_end, revision = excluded.revision,
    customer = excluded.customer, final = excluded.final, document = excluded.document
where statements.revision < excluded.revision
"""
STORE_ACTIVITY = """
insert into signals.activity (subject, meter, day, revision, customer_id, hours, last_seen_at)
select * from unnest($1::text[], $2::text[], $3::date[], $4::bigint[], $5::text[], $6::jsonb[], $7::timestamptz[])
on conflict (subject, meter, day) do update set revision = excluded.revision, customer_id = excluded.customer_id,
    hours = excluded.hours, last_seen_at = excluded.last_seen_at
where activity.revision < excluded.revision
"""
STORE_CUSTOMERS = """
insert into signals.customers (customer_id, revision, external_id, name, timezone)
select * from unnest($1::text[], $2::bigint[], $3::text[], $4::text[], $5::text[])
on conflict (customer_id) do update set revision = excluded.revision, external_id = excluded.external_id,
    name = excluded.name, timezone = excluded.timezone
where customers.revision < excluded.revision
"""
STORE_CONTRACTS = """
insert into signals.contracts (contract, revision, customer_id, customer, versions)
select * from unnest($1::text[], $2::bigint[], $3::text[], $4::text[], $5::jsonb[])
on conflict (contract) do update set revision = excluded.revision, customer_id = excluded.customer_id,
    customer = excluded.customer, versions = excluded.versions
where contracts.revision < excluded.revision
"""


class SignalsRepository:
    """Reads and writes what was heard, on one connection."""

    def __init__(self, connection: asyncpg.Connection) -> None:
        self.connection = connection

    async def store_statements(self, messages: Sequence[StatementMessage]) -> int:
        """Keep the newer ones; return how many were. `messages` holds each key once."""
        return _count(await self.connection.execute(
            STORE_STATEMENTS,
            [m.contract for m in messages], [from_us(m.period_start_us) for m in messages], [from_us(m.period_end_us) for m in messages],
            [m.revision for m in messages], [m.customer for m in messages], [m.final for m in messages], [msgspec.to_builtins(m) for m in messages],
        ))

    async def store_activity(self, messages: Sequence[ActivityMessage]) -> int:
        return _count(await self.connection.execute(
            STORE_ACTIVITY,
            [m.subject for m in messages], [m.meter for m in messages], [date.fromisoformat(m.day) for m in messages],
            [m.revision for m in messages], [m.customer_id for m in messages], [m.hours for m in messages],
            [from_us(m.last_seen_us) for m in messages],
        ))

    async def store_customers(self, messages: Sequence[CustomerMessage]) -> int:
        return _count(await self.connection.execute(
            STORE_CUSTOMERS,
            [m.customer_id for m in messages], [m.revision for m in messages], [m.external_id for m in messages],
            [m.name for m in messages], [m.timezone for m in messages],
        ))

    async def store_contracts(self, messages: Sequence[ContractVersionMessage]) -> int:
        return _count(await self.connection.execute(
            STORE_CONTRACTS,
            [m.contract for m in messages], [m.revision for m in messages], [m.customer_id for m in messages],
            [m.customer for m in messages], [msgspec.to_builtins(m.versions) for m in messages],
        ))

    async def customer(self, external_id: str) -> asyncpg.Record | None:
        return await self.connection.fetchrow("select * from signals.customers where external_id = $1", external_id)

    async def customers_page(self, after: str, limit: int) -> list[asyncpg.Record]:
        return list(await self.connection.fetch(
            "select * from signals.customers where external_id > $1 order by external_id limit $2", after, limit,
        ))

    async def contracts_of(self, external_id: str) -> list[asyncpg.Record]:
        return list(await self.connection.fetch("select * from signals.contracts where customer = $1 order by contract", external_id))

    async def statement_at(self, contract: str, now: datetime) -> Any:
        """The statement of the service period `now` lies in, or None."""
        return await self.connection.fetchrow(
            "select * from signals.statements where contract = $1 and period_start <= $2 and period_end > $2", contract, now,
        )

    async def last_seen(self, customer_id: str) -> list[asyncpg.Record]:
        """Per meter: the newest event's time and how many days had any."""
        return list(await self.connection.fetch(
            """select meter, max(last_seen_at) as last_seen_at, count(distinct day) as active_days
               from signals.activity where customer_id = $1 group by meter order by meter""",
            customer_id,
        ))


def _count(status: str) -> int:
    """Rows of a command tag such as `INSERT 0 42`."""
    return int(status.rpartition(" ")[2])
