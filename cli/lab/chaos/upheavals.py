"""What may happen to a book every day of a fortnight, beside faults: its meters change, or it becomes one of
before the fold. Neither may move a cent."""

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

import asyncpg

from lab.departures.client import Client
from tests.system.spine.world import AMENDED_AT, METERS, REGIONS

Act = tuple[datetime, Callable[[], Awaitable[Any]]]


class Upheaval(StrEnum):
    """What happens."""

    METERS_CHANGE = "meters change"
    BOOK_OF_BEFORE = "aggregates become those of before the fold"


BEGINS, DAYS = AMENDED_AT.replace(day=10), 14
#: The claim first: nobody folds meanwhile, and who remembers packed rows forgets them.
OF_BEFORE = """
    update rating.fold_state set epoch = epoch + 1;
    insert into rating.old_usage_hours (subject, meter, grp, hour, events, value)
        select subject, meter, grp, hour, events, value from rating.usage_hours
        on conflict do nothing;
    insert into rating.old_usage_days (subject, meter, grp, day, events, value)
        select subject, meter, grp, day, events, value from rating.usage_days
        on conflict do nothing;
    insert into rating.old_usage_uniques (subject, meter, grp, hour, item, events)
        select subject, meter, grp, hour, item, events from rating.usage_uniques
        on conflict do nothing;
    delete from rating.usage_packed_hours;
    delete from rating.usage_packed_days;
    delete from rating.usage_items;
"""


def acts(upheaval: Upheaval | None, client: Client, database_url: str) -> list[Act]:
    """What to do on which day of the business clock; each may be done twice."""
    days = range(DAYS if upheaval else 0)
    if upheaval is Upheaval.METERS_CHANGE:
        done = [_change(client, day) for day in days]
    else:
        done = [lambda: _of_before(database_url) for _ in days]
    return [(BEGINS + timedelta(days=day), act) for day, act in zip(days, done, strict=True)]


def _change(client: Client, day: int) -> Callable[[], Awaitable[Any]]:
    """Each meter takes the same events by other terms: those of every region there is, and all of them again."""
    filters = {"region": list(REGIONS)} if day % 2 == 0 else {}

    async def change() -> None:
        for meter in METERS:
            terms = {name: value for name, value in meter.items() if name != "meter"}
            await client.put("rating", f"/v1/meters/{meter['meter']}", {**terms, "filters": filters})

    return change


async def _of_before(database_url: str) -> None:
    """Unpack every row; what is unpacked already stays so."""
    connection = await asyncpg.connect(database_url)
    try:
        async with connection.transaction():
            await connection.execute(OF_BEFORE)
    finally:
        await connection.close()
