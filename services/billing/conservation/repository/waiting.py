"""SQL of what waited on each day, and of how that day's money went."""

from collections.abc import Sequence
from datetime import date

import asyncpg

from services.billing.conservation.rows import WaitingRow, WaterfallRow
from shared.db.columns import insert, names_of

ROWS = insert("billing.waiting_days", WaitingRow)
STEPS = insert("billing.waterfall_days", WaterfallRow)


async def replace_day(
    connection: asyncpg.Connection, day: date, rows: Sequence[WaitingRow], steps: Sequence[WaterfallRow]
) -> None:
    """Let these be what waited on the day, and how its money went."""
    await connection.execute("select pg_advisory_xact_lock(hashtext('billing.waiting_days'))")
    await connection.execute("delete from billing.waiting_days where day = $1", day)
    await connection.execute("delete from billing.waterfall_days where day = $1", day)
    await connection.execute(ROWS.sql, *ROWS.columns_of(rows))
    await connection.execute(STEPS.sql, *STEPS.columns_of(steps))


async def rows_of_day(connection: asyncpg.Connection, day: date) -> list[WaitingRow]:
    """What waited on the day, by place, reason, owner and currency."""
    rows = await connection.fetch(
        f"""select {names_of(WaitingRow)} from billing.waiting_days where day = $1
            order by place, reason, owner, currency""",
        day,
    )
    return [WaitingRow(**row) for row in rows]


async def steps_of_day(connection: asyncpg.Connection, day: date) -> list[WaterfallRow]:
    """How the day's money went, by currency; the steps in no order."""
    rows = await connection.fetch(
        f"select {names_of(WaterfallRow)} from billing.waterfall_days where day = $1 order by currency", day
    )
    return [WaterfallRow(**row) for row in rows]


async def last_day(connection: asyncpg.Connection) -> date | None:
    """The newest day that is kept."""
    found: date | None = await connection.fetchval("select max(day) from billing.waiting_days")
    return found


async def day_before(connection: asyncpg.Connection, newest: date, wanted: date) -> date | None:
    """The last day before the newest that is kept up to the wanted one; the first that is kept where none is."""
    found: date | None = await connection.fetchval(
        """select coalesce(
            (select max(day) from billing.waiting_days where day < $1 and day <= $2),
            (select min(day) from billing.waiting_days where day < $1))""",
        newest,
        wanted,
    )
    return found


async def days_around(connection: asyncpg.Connection, day: date) -> list[date]:
    """The last day before this one that is kept, and the first after it."""
    row = await connection.fetchrow(
        """select (select max(day) from billing.waiting_days where day < $1) as before,
            (select min(day) from billing.waiting_days where day > $1) as after""",
        day,
    )
    assert row is not None, "an aggregate has a row"
    return [found for found in (row["before"], row["after"]) if found is not None]
