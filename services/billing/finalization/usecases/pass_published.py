"""Verb for a book that was restored from a backup: no number that was ever published is given to another
document."""

from collections.abc import Collection

import asyncpg

from services.billing.finalization.domain.numbering import counter_of, number_of


async def pass_published(connection: asyncpg.Connection, numbers: Collection[str]) -> list[str]:
    """Withdraw every number up to the highest published one that this book has not given yet, and move each
    series past it.

    Returns the published ones among them: their documents come anew, under new numbers. K5 knows a withdrawn
    number for what it is, and any other gap for a break.
    """
    highest: dict[str, int] = {}
    for series, counter in map(counter_of, numbers):
        highest[series] = max(counter, highest.get(series, 0))
    rows = await connection.fetch(
        """insert into billing.withdrawn_numbers (series, counter)
           select s.series, counter from unnest($1::text[], $2::bigint[]) s (series, highest)
               left join billing.number_series known using (series)
           cross join lateral generate_series(coalesce(known.next, 1), s.highest) counter
               returning series, counter""",
        list(highest),
        list(highest.values()),
    )
    await connection.execute(
        """insert into billing.number_series as known (series, next)
           select series, highest + 1 from unnest($1::text[], $2::bigint[]) s (series, highest)
           on conflict (series) do update set next = greatest(known.next, excluded.next)""",
        list(highest),
        list(highest.values()),
    )
    return sorted({number_of(row["series"], row["counter"]) for row in rows} & {*numbers})
