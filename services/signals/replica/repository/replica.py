"""All SQL of what was heard, activity excepted."""

from collections.abc import Sequence
from datetime import datetime
from typing import TypeVar

import asyncpg
import msgspec

from services.signals.domain.statement import Statement
from services.signals.replica.rows import ContractRow, CustomerRow, MeterRow, StatementRow
from shared.db.columns import Bulk, upsert
from shared.replica.chains import chain_of
from shared.runtime.clock import from_us
from shared.topics.rating import ContractVersion, CustomerMessage, MeterMessage, StatementMessage

R = TypeVar("R")

STATEMENTS = upsert("signals.statements", StatementRow, key=("contract", "period_start"), newer_by="revision")
CUSTOMERS = upsert("signals.customers", CustomerRow, key=("customer_id",), newer_by="revision")
METERS = upsert("signals.meters", MeterRow, key=("meter",), newer_by="revision")
CHAIN = f"(select {chain_of('signals', 'c.contract')})"  # of the contract `c`


class ReplicaRepository:
    """Reads and writes what was heard, on one connection. Each store keeps the newer rows and returns how
    many were; keys are distinct."""

    def __init__(self, connection: asyncpg.Connection) -> None:
        self._connection = connection

    async def newer(self, messages: Sequence[StatementMessage]) -> list[StatementMessage]:
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
        return await self._store(STATEMENTS, list(map(StatementRow.of, messages)))

    async def store_customers(self, messages: Sequence[CustomerMessage]) -> int:
        return await self._store(CUSTOMERS, list(map(CustomerRow.of, messages)))

    async def store_meters(self, messages: Sequence[MeterMessage]) -> int:
        return await self._store(METERS, list(map(MeterRow.of, messages)))

    async def _store(self, made: Bulk[R], rows: Sequence[R]) -> int:
        status = await self._connection.execute(made.sql, *made.columns_of(rows))
        # Rows of a command tag such as `INSERT 0 42`.
        return int(status.rpartition(" ")[2])

    async def timezones(self, customer_ids: Sequence[str]) -> dict[str, str]:
        rows = await self._connection.fetch(
            "select customer_id, timezone from signals.customers where customer_id = any($1)",
            list(customer_ids),
        )
        return {row["customer_id"]: row["timezone"] for row in rows}

    async def contracts_of(self, customer_id: str) -> list[ContractRow]:
        """Those whose chain begins; of each as many versions as come without a gap."""
        rows = await self._connection.fetch(
            f"""select c.contract, chain.versions from signals.contracts c
                cross join lateral {CHAIN} chain (versions)
                where customer_id = $1 and chain.versions is not null order by contract""",
            customer_id,
        )
        return [ContractRow(row["contract"], versions_of(row)) for row in rows]

    async def statement_at(self, contract: str, now: datetime) -> StatementRow | None:
        """The statement of the service period `now` lies in, or None."""
        row = await self._connection.fetchrow(
            "select * from signals.statements where contract = $1 and period_start <= $2 and period_end > $2",
            contract,
            now,
        )
        return StatementRow(**{**row, "capacity": _statement(row["capacity"])}) if row is not None else None

    async def customers_named(self, names: Sequence[str]) -> dict[str, CustomerRow]:
        """External id → customer, of those that are heard of."""
        rows = await self._connection.fetch(
            "select * from signals.customers where external_id = any($1)", list(names)
        )
        return {row["external_id"]: CustomerRow(**row) for row in rows}


def versions_of(row: asyncpg.Record) -> tuple[ContractVersion, ...]:
    """The column `versions` of CHAIN."""
    return msgspec.convert(row["versions"], tuple[ContractVersion, ...])


def _statement(capacity: object) -> Statement | None:
    return msgspec.convert(capacity, Statement | None)
