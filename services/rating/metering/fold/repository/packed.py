"""SQL of packed rows and of items."""

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import dataclass
from struct import Struct

import asyncpg

from services.rating.metering.fold.domain.packed import ItemHour, Packed, Place, numbers_of
from services.rating.metering.repository.columns import COPY_HEADER, COPY_TRAILER, field_of, numbers

StoredItem = tuple[int, int, int, str]  # subject number, series number, hour since the epoch, item
_NARROW = ("scale", "series", "events", "vals")
#: Length, then what an array says of itself: one dimension, no nulls, bigint, so many elements from 1.
_ARRAY = Struct(">iiiiii").pack
_ARRAY_BYTES, _BIGINT = 20, 20


@dataclass(frozen=True, slots=True)
class Kept:
    """A table of packed rows. `at`: SQL for its bucket from a number since the epoch, `zero` as PostgreSQL counts
    it, `each` its units; `head`: the first three columns of a row of binary COPY."""

    table: str
    bucket: str
    at: str
    head: Struct
    bucket_bytes: int
    zero: int
    each: int

    @property
    def stage(self) -> str:
        return f"stage_{self.bucket}s"

    def row(self, place: Place, row: Packed) -> tuple[bytes | bytearray, ...]:
        """One row of binary COPY; of a wide one nothing."""
        subject, at = place
        count, size = len(row), _ARRAY_BYTES + len(row.series)
        array = _ARRAY(size, 1, 0, _BIGINT, count, 1)
        head = self.head.pack(6, 8, subject, self.bucket_bytes, at * self.each - self.zero, 2, row.scale)
        return head, array, row.series, array, row.events, array, row.values


#: PostgreSQL counts from 2000-01-01: hours in microseconds, days in days.
HOURS = Kept(
    "rating.usage_packed_hours",
    "hour",
    "timestamptz 'epoch' + make_interval(hours => c.at)",
    Struct(">hiqiqih"),
    8,
    946_684_800_000_000,
    3_600_000_000,
)
DAYS = Kept("rating.usage_packed_days", "day", "date '1970-01-01' + c.at", Struct(">hiqiiih"), 4, 10_957, 1)

_PLACES = "unnest(string_to_array($1, ',')::bigint[], string_to_array($2, ',')::int[]) c (subject_no, at)"
_ITEM, _EVENTS = Struct(">hiqiqiq").pack, Struct(">iq").pack
_ITEM_COLUMNS = "subject_no, series_no, hour, item, events"
_SINCE_EPOCH = "(extract(epoch from u.hour) / 3600)::int as hour"
_ITEM_STAGE = f"""create temp table if not exists stage_items on commit delete rows as
    select {_ITEM_COLUMNS} from rating.usage_items with no data"""
_ADD_ITEMS = f"""insert into rating.usage_items as u ({_ITEM_COLUMNS}) select {_ITEM_COLUMNS} from stage_items
    on conflict (subject_no, series_no, hour, item) do update set events = u.events + excluded.events"""
_ADD_ITEMS_TOLD = f"""with added as ({_ADD_ITEMS}
        returning subject_no, series_no, {_SINCE_EPOCH}, old.item is null as fresh)
    select distinct subject_no, series_no, hour from added where fresh"""
_DROP_ITEMS = f"""
    delete from rating.usage_items u using stage_items v
    where (u.subject_no, u.series_no, u.hour, u.item) = (v.subject_no, v.series_no, v.hour, v.item)
        and u.events = 0
    returning u.subject_no, u.series_no, {_SINCE_EPOCH}"""


class PackedRepository:
    def __init__(self, connection: asyncpg.Connection) -> None:
        self._connection = connection

    async def read(self, kept: Kept, places: Sequence[Place]) -> dict[Place, Packed]:
        """The rows at these places, of those there are."""
        rows = await self._connection.fetch(
            f"""select c.subject_no, c.at, p.scale, array_send(p.series) as series,
                    array_send(p.events) as events, array_send(p.vals) as vals, p.wide
                from {_PLACES} join {kept.table} p on p.subject_no = c.subject_no and p.{kept.bucket} = {kept.at}""",
            *_columns(places),
        )
        return {
            (row["subject_no"], row["at"]): Packed(
                row["scale"],
                row["series"][_ARRAY_BYTES:],
                row["events"][_ARRAY_BYTES:],
                row["vals"][_ARRAY_BYTES:] if row["vals"] is not None else b"",
                row["wide"],
            )
            for row in rows
        }

    async def write(self, kept: Kept, rows: Mapping[Place, Packed]) -> None:
        """Write these rows whole: by one COPY beside the table, and from there into it, in the order of its
        key."""
        parts: list[bytes | bytearray] = [COPY_HEADER]
        wide: list[Place] = []
        for place in sorted(rows):
            row = rows[place]
            if row.wide is None:
                parts += kept.row(place, row)
            else:
                wide.append(place)
        parts.append(COPY_TRAILER)
        columns = ("subject_no", kept.bucket, *_NARROW)
        await self._connection.execute(
            f"""create temp table if not exists {kept.stage} on commit delete rows as
                select {", ".join(columns)} from {kept.table} with no data"""
        )
        await self._connection.copy_to_table(
            kept.stage, columns=columns, source=once(b"".join(parts)), format="binary"
        )
        # what was staged goes: a transaction may write twice
        await self._connection.execute(
            f"""insert into {kept.table} as p ({", ".join(columns)}) select {", ".join(columns)} from {kept.stage}
                on conflict (subject_no, {kept.bucket}) do update set {_assigned((*_NARROW, "wide"))};
                delete from {kept.stage}"""
        )
        if wide:
            await self._write_wide(kept, {place: rows[place] for place in wide})

    async def _write_wide(self, kept: Kept, rows: Mapping[Place, Packed]) -> None:
        columns = ("scale", "series", "events", "wide")
        await self._connection.executemany(
            f"""insert into {kept.table} as p (subject_no, {kept.bucket}, {", ".join(columns)})
                select c.subject_no, {kept.at}, $3, $4, $5, $6 from (select $1::bigint as subject_no, $2::int as at) c
                on conflict (subject_no, {kept.bucket}) do update set {_assigned((*columns, "vals"))}""",
            [
                (
                    subject,
                    at,
                    row.scale,
                    numbers_of(row.series),
                    numbers_of(row.events),
                    row.decimals(),
                )
                for (subject, at), row in rows.items()
            ],
        )

    async def add_items(self, items: Mapping[StoredItem, int], *, told: bool) -> set[ItemHour]:
        """Add to the counts of items; those that come to 0 go. `told`: return where one is new, and where one
        goes; that costs as much as half of the rest."""
        zero, each = HOURS.zero, HOURS.each
        rows = [
            _ITEM(5, 8, subject, 8, series, 8, hour * each - zero) + field_of(item) + _EVENTS(8, events)
            for (subject, series, hour, item), events in items.items()
        ]
        # In about the order of the key, so that neighbours meet the same pages: numbers lie as they are compared.
        rows.sort()
        await self._connection.execute(_ITEM_STAGE)
        await self._connection.copy_to_table(
            "stage_items", source=once(b"".join([COPY_HEADER, *rows, COPY_TRAILER])), format="binary"
        )
        changed: list[asyncpg.Record] = []
        if told:
            changed += await self._connection.fetch(_ADD_ITEMS_TOLD)
        else:
            await self._connection.execute(_ADD_ITEMS)
        if min(items.values()) < 0:
            changed += await self._connection.fetch(_DROP_ITEMS)
        await self._connection.execute("delete from stage_items")
        return {(row["subject_no"], row["series_no"], row["hour"]) for row in changed}


async def once(payload: bytes) -> AsyncIterator[bytes]:
    yield payload


def _assigned(columns: Iterable[str]) -> str:
    return ", ".join(f"{name} = excluded.{name}" for name in columns)


def _columns(places: Sequence[Place]) -> tuple[str, str]:
    return numbers([subject for subject, _ in places]), numbers([at for _, at in places])
