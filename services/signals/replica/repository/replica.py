"""All SQL of what was heard, activity excepted."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import asyncpg

from shared.replica.chains import chain_of
from shared.runtime.clock import from_us
from shared.topics.rating import CustomerMessage, MeterMessage, StatementMessage

STORE_STATEMENTS = """
insert into signals.statements (contract, period_start, period_end, revision, customer, final, capacity)
select * from unnest($1::text[], $2::timestamptz[], $3::timestamptz[], $4::bigint[], $5::text[],
    $6::boolean[], $7::jsonb[])
on conflict (contract, period_start) do update set period_end = excluded.period_end,
    revision = excluded.revision,
    customer = excluded.customer, final = excluded.final, capacity = excluded.capacity
where statements.revision < excluded.revision
"""
STORE_CUSTOMERS = """
insert into signals.customers (customer_id, revision, external_id, name, timezone)
select * from unnest($1::text[], $2::bigint[], $3::text[], $4::text[], $5::text[])
on conflict (customer_id) do update set revision = excluded.revision, external_id = excluded.external_id,
    name = excluded.name, timezone = excluded.timezone
where customers.revision < excluded.revision
"""
STORE_METERS = """
insert into signals.meters (meter, revision, event_type, aggregation, role, heartbeat_s)
select * from unnest($1::text[], $2::bigint[], $3::text[], $4::text[], $5::text[], $6::integer[])
on conflict (meter) do update set revision = excluded.revision, event_type = excluded.event_type,
    aggregation = excluded.aggregation, role = excluded.role, heartbeat_s = excluded.heartbeat_s
where meters.revision < excluded.revision
"""
CHAIN = f"(select {chain_of('signals', 'c.contract')})"  # of the contract `c`
EVALUATED_OF_STATEMENT = (
    "currency",
    "period_start_us",
    "period_end_us",
    "period_start_date",
    "period_end_date",
)
EVALUATED_OF_LINE = ("key", "kind", "meter", "quantity", "amount_minor")


class HeardRepository:
    """Reads and writes what was heard, on one connection. Each store keeps the newer rows and returns how
    many were; keys are distinct."""

    def __init__(self, connection: asyncpg.Connection) -> None:
        self._connection = connection

    async def unheard(self, messages: Sequence[StatementMessage]) -> list[StatementMessage]:
        """Return those, whole or pages, that are newer than the statement that is here."""
        known = {
            (row["contract"], row["period_start"]): row["revision"]
            for row in await self._connection.fetch(
                """select s.contract, s.period_start, s.revision
                    from unnest($1::text[], $2::timestamptz[]) as asked (contract, period_start)
                   join signals.statements s using (contract, period_start)""",
                [m.contract for m in messages],
                [from_us(m.period_start_us) for m in messages],
            )
        }
        return [m for m in messages if known.get((m.contract, from_us(m.period_start_us)), -1) < m.revision]

    async def store_statements(self, messages: Sequence[StatementMessage]) -> int:
        return _count(
            await self._connection.execute(
                STORE_STATEMENTS,
                [m.contract for m in messages],
                [from_us(m.period_start_us) for m in messages],
                [from_us(m.period_end_us) for m in messages],
                [m.revision for m in messages],
                [m.customer for m in messages],
                [m.final for m in messages],
                [_capacity(m) for m in messages],
            )
        )

    async def store_customers(self, messages: Sequence[CustomerMessage]) -> int:
        return _count(
            await self._connection.execute(
                STORE_CUSTOMERS,
                [m.customer_id for m in messages],
                [m.revision for m in messages],
                [m.external_id for m in messages],
                [m.name for m in messages],
                [m.timezone for m in messages],
            )
        )

    async def store_meters(self, messages: Sequence[MeterMessage]) -> int:
        return _count(
            await self._connection.execute(
                STORE_METERS,
                [m.meter for m in messages],
                [m.revision for m in messages],
                [m.event_type for m in messages],
                [m.aggregation for m in messages],
                [m.role for m in messages],
                [m.heartbeat_s for m in messages],
            )
        )

    async def timezones(self, customer_ids: Sequence[str]) -> dict[str, str]:
        rows = await self._connection.fetch(
            "select customer_id, timezone from signals.customers where customer_id = any($1)",
            list(customer_ids),
        )
        return {row["customer_id"]: row["timezone"] for row in rows}

    async def contracts_of(self, customer_id: str) -> list[asyncpg.Record]:
        """Those whose chain begins; of each as many versions as come without a gap."""
        return list(
            await self._connection.fetch(
                f"""select c.*, chain.versions from signals.contracts c
                    cross join lateral {CHAIN} chain (versions)
                where customer_id = $1 and chain.versions is not null order by contract""",
                customer_id,
            )
        )

    async def statement_at(self, contract: str, now: datetime) -> asyncpg.Record | None:
        """The statement of the service period `now` lies in, or None."""
        return await self._connection.fetchrow(
            "select * from signals.statements where contract = $1 and period_start <= $2 and period_end > $2",
            contract,
            now,
        )

    async def customers_named(self, names: Sequence[str]) -> dict[str, asyncpg.Record]:
        """External id → customer, of those that are heard of."""
        rows = await self._connection.fetch(
            "select * from signals.customers where external_id = any($1)", list(names)
        )
        return {row["external_id"]: row for row in rows}


def _capacity(statement: StatementMessage) -> dict[str, Any] | None:
    """What a daily evaluation reads of a statement; None where the contract includes and guarantees
    nothing."""
    said = statement.consumption
    if "minimum_minor" not in said and not any(name.startswith("included:") for name in said):
        return None
    return {
        **{field: getattr(statement, field) for field in EVALUATED_OF_STATEMENT},
        "consumption": said,
        "lines": [{field: getattr(line, field) for field in EVALUATED_OF_LINE} for line in statement.lines],
    }


def _count(status: str) -> int:
    """Rows of a command tag such as `INSERT 0 42`."""
    return int(status.rpartition(" ")[2])
