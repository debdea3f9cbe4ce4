"""Verb for a book that was restored from a backup: no number that was ever published is given to another document."""

from collections.abc import Collection

import asyncpg

from services.billing.finalization.domain.numbering import counter_of


async def pass_published(connection: asyncpg.Connection, numbers: Collection[str]) -> list[str]:
    """Move each series past the published numbers; return those whose documents this book does not have, which it will issue under new ones."""
    highest: dict[str, int] = {}
    for series, counter in map(counter_of, numbers):
        highest[series] = max(counter, highest.get(series, 0))
    await connection.execute(
        """insert into billing.number_series as known (series, next)
           select series, counter + 1 from unnest($1::text[], $2::bigint[]) s (series, counter)
           on conflict (series) do update set next = greatest(known.next, excluded.next)""", list(highest), list(highest.values()))
    rows = await connection.fetch(
        """select number from unnest($1::text[]) published (number)
           where not exists (select from billing.documents d where d.number = published.number) order by number""", list(numbers))
    return [row["number"] for row in rows]
