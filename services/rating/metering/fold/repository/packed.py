"""SQL of packed rows and of items."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

import asyncpg

from services.rating.metering.fold.domain.packed import ItemHour, Packed, Place, unpacked
from services.rating.metering.repository.columns import joined, numbers
from shared.runtime.clock import from_us

HOUR_US = 3_600_000_000
ItemPlace = tuple[int, int, int, str]  # subject number, series number, hour since the epoch, item
_COLUMNS = ("subject_no", "hour", "scale", "series", "events", "vals", "wide")
_STAGE = f"""create temp table if not exists fold_hours on commit delete rows as
    select {", ".join(_COLUMNS)} from rating.usage_packed_hours with no data"""
_FROM_STAGE = f"""insert into rating.usage_packed_hours as p ({", ".join(_COLUMNS)})
    select {", ".join(_COLUMNS)} from fold_hours
    on conflict (subject_no, hour) do update set scale = excluded.scale, series = excluded.series,
        events = excluded.events, vals = excluded.vals, wide = excluded.wide"""
_ITEMS = """
select subject_no, series_no, timestamptz 'epoch' + make_interval(hours => hour) as hour, item, events
from unnest(string_to_array($1, ',')::bigint[], string_to_array($2, ',')::bigint[],
    string_to_array($3, ',')::int[], string_to_array($5, $4), string_to_array($6, ',')::bigint[])
    c (subject_no, series_no, hour, item, events)
"""
_SINCE_EPOCH = "(extract(epoch from u.hour) / 3600)::int"


class PackedRepository:
    def __init__(self, connection: asyncpg.Connection) -> None:
        self._connection = connection

    async def hours(self, places: Sequence[Place]) -> dict[Place, Packed]:
        """The rows at these places, of those there are."""
        rows = await self._connection.fetch(
            """select subject_no, c.hour as since_epoch, scale, series, events, vals, wide
               from unnest(string_to_array($1, ',')::bigint[], string_to_array($2, ',')::int[])
                   c (subject_no, hour)
               join rating.usage_packed_hours p using (subject_no)
               where p.hour = timestamptz 'epoch' + make_interval(hours => c.hour)""",
            numbers(subject for subject, _ in places),
            numbers(hour for _, hour in places),
        )
        return {
            (row["subject_no"], row["since_epoch"]): unpacked(
                row["scale"], row["series"], row["events"], row["vals"], row["wide"]
            )
            for row in rows
        }

    async def write_hours(self, rows: Mapping[Place, Packed]) -> None:
        """Write these rows whole: by one COPY beside the table, and from there into it, in the order of its
        key."""
        await self._connection.execute(_STAGE)
        await self._connection.copy_records_to_table(
            "fold_hours",
            records=[
                (subject, _instant(hour), row.scale, row.series, row.events, *row.values())
                for (subject, hour), row in sorted(rows.items())
            ],
            columns=list(_COLUMNS),
        )
        # a transaction may write twice
        await self._connection.execute(f"{_FROM_STAGE}; truncate fold_hours")

    async def add_items(self, items: Mapping[ItemPlace, int]) -> set[ItemHour]:
        """Add to the counts of items, and return where one is new; those that come to 0 go, and where one does
        is returned too."""
        places = sorted(items)
        delimiter, texts = joined([item for _, _, _, item in places])
        columns = (
            numbers(subject for subject, _, _, _ in places),
            numbers(series for _, series, _, _ in places),
            numbers(hour for _, _, hour, _ in places),
            delimiter,
            texts,
            numbers(items[place] for place in places),
        )
        changed = await self._connection.fetch(
            f"""with added as (
                    insert into rating.usage_items as u (subject_no, series_no, hour, item, events) {_ITEMS}
                    on conflict (subject_no, series_no, hour, item)
                        do update set events = u.events + excluded.events
                    returning subject_no, series_no, {_SINCE_EPOCH} as hour, old.item is null as fresh)
                select distinct subject_no, series_no, hour from added where fresh""",
            *columns,
        )
        if _some_less(items.values()):
            changed += await self._connection.fetch(
                f"""delete from rating.usage_items u using ({_ITEMS}) v
                    where (u.subject_no, u.series_no, u.hour, u.item) =
                        (v.subject_no, v.series_no, v.hour, v.item) and u.events = 0
                    returning u.subject_no, u.series_no, {_SINCE_EPOCH} as hour""",
                *columns,
            )
        return {(row["subject_no"], row["series_no"], row["hour"]) for row in changed}


def _some_less(counts: Iterable[int]) -> bool:
    return min(counts) < 0


def _instant(hour: int) -> datetime:
    return from_us(hour * HOUR_US)
