"""For a book that was restored from a backup: no number that was ever published is given to another
document."""

from collections.abc import Mapping
from datetime import date

import asyncpg

from services.billing.finalization.domain.numbering import counter_of, number_of
from services.billing.finalization.repository import NumberSeriesRepository


async def pass_published(connection: asyncpg.Connection, published: Mapping[str, date]) -> list[str]:
    """Withdraw every number up to the highest published one that this book has not given yet, and move each
    series past it. `published`: number → the day its document was issued on.

    Returns the published ones among them: their documents come anew, under new numbers. K5 knows a withdrawn
    number for what it is, and any other gap for a break.
    """
    highest: dict[str, int] = {}
    latest: dict[str, date] = {}
    for number, issued_on in published.items():
        series, counter = counter_of(number)
        highest[series] = max(counter, highest.get(series, 0))
        latest[series] = max(issued_on, latest.get(series, issued_on))
    known = NumberSeriesRepository(connection)
    withdrawn = await known.withdraw_up_to(highest)
    await known.move_past(highest, latest)
    return sorted({number_of(*number) for number in withdrawn} & {*published})
