"""K5: what rating settled is what billing documents, waives or still holds, line by line, in minor units
before tax.

Left: rating.periods and rating.statements. Right: billing.documents, what they are made from and their lines,
the statements as billing heard them, the journal, the number series. A document may have lines of several
contracts and periods, so what is billed is summed by the contract and period that each line names. A draft
speaks through the statements it was heard from (`statements`), a finalized document for itself.
"""

from collections.abc import Sequence
from datetime import datetime

import asyncpg

from services.billing.conservation.checks.k1_transport import Heads
from services.billing.conservation.checks.k5_books import BOOKS, books
from services.billing.conservation.checks.k5_lines import DRAWS, LINES, draw_differs, line_differs
from services.billing.conservation.checks.k5_sides import SIDES, add, count, sides
from services.billing.conservation.checks.listing import listed
from services.billing.conservation.domain.breaks import Break, Checked, K

ALL_PERIODS = """
    select contract, period_start from rating.periods
    union select contract, period_start from rating.statements
    union select contract, period_start from billing.statements
    union select contract, period_start from billing.documents
    order by contract, period_start
"""
#: What rating tells billing of money.
TOLD_ON = ("rating.statements", "rating.block_rows")
# Whether nothing of a topic is under way: then what billing has not heard was dropped.
DRAINED = """
    select not exists (select from rating.outbox where topic = $1) as outbox_empty,
           (select coalesce(sum(position), 0)::bigint from bus.positions
               where grp = 'billing' and topic = $1) as consumed,
           (select coalesce(sum(head), 0)::bigint from bus.heads where topic = $1) as written
"""


async def all_periods(connection: asyncpg.Connection) -> list[tuple[str, datetime]]:
    """Every contract and period that either side knows of."""
    return [(row["contract"], row["period_start"]) for row in await connection.fetch(ALL_PERIODS)]


async def is_drained(connection: asyncpg.Connection, heads: Heads | None = None) -> bool:
    """Whether billing has heard all that rating told of money. `heads` as in K1."""
    for topic in TOLD_ON:
        [row] = await connection.fetch(DRAINED, topic)
        written = sum((await heads(topic)).values()) if heads else row["written"]
        if not row["outbox_empty"] or row["consumed"] < written:
            return False
    return True


async def money_of(
    connection: asyncpg.Connection,
    periods: Sequence[tuple[str, datetime]],
    now: datetime | None,
    *,
    drained: bool,
    listed_max: int | None = None,
) -> Checked:
    """K5 of some contracts and periods. Unless `drained`, what billing has not heard yet counts as under way.

    All breaks, or at most `listed_max` of each kind.
    With the machine's `now`, a final statement that waits too long for its document is a break too.
    """
    contracts, starts = [contract for contract, _ in periods], [start for _, start in periods]
    figures = dict.fromkeys(("statements", "documents", "under_way"), 0)
    amounts: dict[str, dict[str, int]] = {}
    breaks: list[Break] = []
    for row in await connection.fetch(SIDES, contracts, starts):
        count(figures, row)
        add(amounts, row)
        breaks += sides(row, now, drained)
    lines = await listed(connection, LINES, contracts, starts, rows_max=listed_max)
    draws = await listed(connection, DRAWS, contracts, starts, rows_max=listed_max)
    posted = await listed(connection, BOOKS, contracts, starts, rows_max=listed_max)
    breaks += map(line_differs, lines.rows)
    breaks += map(draw_differs, draws.rows)
    breaks += [found for row in posted.rows for found in books(row)]
    return Checked(K.MONEY, figures, tuple(breaks), amounts, lines.more + draws.more + posted.more)
