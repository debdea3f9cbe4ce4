"""SQL of what was accepted in writing."""

import asyncpg

from services.billing.conservation.domain.accepted import Acceptance, Suspended
from services.billing.conservation.rows import AcceptanceRow
from shared.db.columns import insert, names_of
from shared.values.money import Money, currency

ROWS = insert("billing.suspense_acceptances", AcceptanceRow)


async def add(connection: asyncpg.Connection, row: AcceptanceRow) -> None:
    await connection.execute(ROWS.sql, *ROWS.columns_of([row]))


async def newest_first(connection: asyncpg.Connection, before: str | None, rows_max: int) -> list[Acceptance]:
    rows = await connection.fetch(
        f"""select {names_of(AcceptanceRow)} from billing.suspense_acceptances
            {"" if before is None else "where acceptance_id < $2"} order by acceptance_id desc limit $1""",
        rows_max,
        *(() if before is None else (before,)),
    )
    return [_acceptance(row) for row in rows]


async def newest_of_each(connection: asyncpg.Connection) -> list[Acceptance]:
    """The last word on each: whose usage, of which type, and why it waits."""
    rows = await connection.fetch(
        f"""select distinct on (customer, type, reason) {names_of(AcceptanceRow)} from billing.suspense_acceptances
            order by customer, type, reason, acceptance_id desc"""
    )
    return [_acceptance(row) for row in rows]


def _acceptance(row: asyncpg.Record) -> Acceptance:
    value = tuple(Money(minor, currency(code)) for code, minor in sorted(row["value"].items()))
    seen = Suspended(row["events"], value)
    return Acceptance(
        row["acceptance_id"],
        row["customer"],
        row["type"],
        row["reason"],
        seen,
        row["by"],
        row["because"],
        row["at"],
    )
