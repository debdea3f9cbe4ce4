"""SQL of the aggregates: sums by hour and day, and items by hour."""

from collections.abc import Mapping, Sequence

import asyncpg

from services.rating.metering.domain.tally import HourKey, ItemKey, Sum, Tally
from services.rating.metering.repository.columns import joined, numbers

_CHANGE = """
select subject, meter, grp, timestamptz 'epoch' + make_interval(hours => hour) as hour, {more}
from unnest(string_to_array($2, $1), string_to_array($3, $1), string_to_array($4, $1),
    string_to_array($5, ',')::int[], {columns})
    c (subject, meter, grp, hour, {more})
"""
#: Rows come in key order and the tables in one order, so that consumers never deadlock.
_SUMS = _CHANGE.format(
    more="events, value", columns="string_to_array($6, ',')::bigint[], string_to_array($7, ',')::numeric[]"
)
_ADD_SUMS = f"""
with change as materialized ({_SUMS}),
hours as (
    insert into rating.usage_hours as u (subject, meter, grp, hour, events, value) select * from change
    on conflict (subject, meter, grp, hour) do update set events = u.events + excluded.events,
        value = u.value + excluded.value)
insert into rating.usage_days as u (subject, meter, grp, day, events, value)
select subject, meter, grp, (hour at time zone 'UTC')::date as day, sum(events), sum(value) from change
    group by 1, 2, 3, 4 order by 1, 2, 4, 3
on conflict (subject, meter, grp, day) do update set events = u.events + excluded.events,
    value = u.value + excluded.value
"""
_ITEMS = _CHANGE.format(
    more="item, events", columns="string_to_array($6, $1), string_to_array($7, ',')::int[]"
)
_ADD_ITEMS = f"""
insert into rating.usage_uniques as u (subject, meter, grp, hour, item, events) {_ITEMS}
on conflict (subject, meter, grp, hour, item) do update set events = u.events + excluded.events
"""
_DROP_ITEMS = f"""
delete from rating.usage_uniques u using ({_ITEMS}) v
where (u.subject, u.meter, u.grp, u.hour, u.item) = (v.subject, v.meter, v.grp, v.hour, v.item)
    and u.events = 0
"""


class AggregatesRepository:
    def __init__(self, connection: asyncpg.Connection) -> None:
        self._connection = connection

    async def add(self, tally: Tally) -> None:
        """Add a tally to hours, days and items."""
        await self._add_sums(tally.sums)
        await self._add_items({key: count for key, count in tally.items.items() if count})

    async def _add_sums(self, sums: Mapping[HourKey, Sum]) -> None:
        if not sums:
            return
        keys = sorted(sums, key=_in_order)
        changes = [sums[key] for key in keys]
        await self._connection.execute(
            _ADD_SUMS,
            *_names(keys),
            numbers([key[3] for key in keys]),
            numbers([change.events for change in changes]),
            numbers([change.value for change in changes]),
        )

    async def _add_items(self, items: Mapping[ItemKey, int]) -> None:
        if not items:
            return
        keys = sorted(items, key=_in_order)
        delimiter, subjects, meters, groups, texts = joined(
            [key[0] for key in keys],
            [key[1] for key in keys],
            [key[2] for key in keys],
            [key[4] for key in keys],
        )
        columns = (delimiter, subjects, meters, groups, numbers([key[3] for key in keys]), texts)
        counts = [items[key] for key in keys]
        await self._connection.execute(_ADD_ITEMS, *columns, numbers(counts))
        if min(counts) < 0:
            await self._connection.execute(_DROP_ITEMS, *columns, numbers(counts))


def _in_order(key: HourKey | ItemKey) -> tuple[str | int, ...]:
    """The tables' own order, so that neighbours are written one after the other: subject, meter, hour, group,
    item."""
    return key[0], key[1], key[3], key[2], *key[4:]


def _names(keys: Sequence[HourKey]) -> tuple[str, ...]:
    """The delimiter, and subjects, meters and groups joined by it."""
    return joined([key[0] for key in keys], [key[1] for key in keys], [key[2] for key in keys])
