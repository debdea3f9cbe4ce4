"""SQL of sums: what meters that add up come to, for many customers, meters and ranges at once, from packed rows.

A row has all meters of its subject, so it is read once for all that ask about the same stretch, and added up here:
column by column, where rows have the same series. Days come from rows of days where they are rolled up, and from rows
of hours where they are not yet.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple

import asyncpg
import msgspec

from services.rating.metering.domain.group import OTHER, GroupKey
from services.rating.metering.fold.domain.packed import numbers_of
from services.rating.metering.repository.columns import numbers
from services.rating.metering.repository.readings import SUBJECTS, AskedRange

Totals = dict[tuple[int, GroupKey | None], Decimal]
_ARRAY_HEAD = 20  # bytes that an array says of itself
_ZERO = Decimal(0)
_ASKED = """unnest($1::int[], $2::text[], $3::timestamptz[], $4::timestamptz[], $5::boolean[], $6::jsonb[])
    a (n, customer_id, start, until, by_day, without)"""
#: `offset 0`: each is one walk along its table's key, whatever the planner believes of a table that was empty a moment
#: ago.
_ROWS = f"""
    with asked as materialized (
        select a.*, s.subject, x.subject_no, (case when x.subject_no <= f.rolling_subject then f.rolling_before
            else f.rolled_before end)::timestamp at time zone 'UTC' as rolled_until
        from {_ASKED} cross join {SUBJECTS} cross join rating.fold_state f
        left join rating.usage_subjects x on x.subject = s.subject)
    select a.n, p.scale, array_send(p.series) as series, array_send(p.vals) as vals, p.wide, null as meter, null as grp,
        null as value
    from asked a cross join lateral (
        select scale, series, vals, wide from rating.usage_packed_days
        where a.by_day and subject_no = a.subject_no
            and day >= (a.start at time zone 'UTC')::date and day < (a.until at time zone 'UTC')::date
        union all
        select scale, series, vals, wide from rating.usage_packed_hours
        where subject_no = a.subject_no
            and hour >= case when a.by_day then greatest(a.start, a.rolled_until) else a.start end
            and hour < a.until
        offset 0) p
    union all
    select a.n, null, null, null, null, o.meter, o.grp, o.value
    from asked a cross join lateral (
        select meter, grp, value from rating.old_usage_days
        where a.by_day and subject = a.subject and meter = any($7::text[])
            and day >= (a.start at time zone 'UTC')::date and day < (a.until at time zone 'UTC')::date
        union all
        select meter, grp, value from rating.old_usage_hours
        where not a.by_day and subject = a.subject and meter = any($7::text[]) and hour >= a.start and hour < a.until
        offset 0) o
    join rating.series_read using (meter)
"""


class Stretch(NamedTuple):
    """Whose usage is read, between which instants, whether by whole days, and which subjects are left out."""

    customer_id: str
    start: datetime
    end: datetime
    by_day: bool
    without: tuple[str, ...]


class SumsRepository:
    def __init__(self, connection: asyncpg.Connection) -> None:
        self._connection = connection

    async def sums(self, days: Sequence[AskedRange], hours: Sequence[AskedRange]) -> Totals:
        """Return (n, group or None) → sum of values, over all subjects and both kinds of range."""
        places: dict[Stretch, int] = {}
        asking: dict[tuple[int, str], list[AskedRange]] = {}
        for by_day, ranges in ((True, days), (False, hours)):
            for one in ranges:
                stretch = Stretch(one.customer_id, one.start, one.end, by_day, one.without)
                asking.setdefault((places.setdefault(stretch, len(places)), one.meter), []).append(one)
        meters = sorted({meter for _, meter in asking})
        rows = await self._connection.fetch(_ROWS, *_columns(places), meters)
        found: Totals = {}
        of_series = _added_up(rows)
        named = await self._named({series for _, series in of_series}, meters)
        for (n, series), value in of_series.items():
            if name := named.get(series):
                _add(found, asking.get((n, name[0]), ()), name[1], value)
        for row in rows:
            if row["meter"] is not None:
                _add(found, asking.get((row["n"], row["meter"]), ()), row["grp"], row["value"])
        return found

    async def _named(
        self, series: Iterable[int], meters: Sequence[str]
    ) -> Mapping[int, tuple[str, GroupKey]]:
        """Series → its meter and group, of those that readers see."""
        rows = await self._connection.fetch(
            """select n.series_no, n.meter, n.grp from rating.usage_series n
                join rating.series_read r using (meter, since)
               where n.series_no = any(string_to_array($1, ',')::bigint[]) and n.meter = any($2::text[])""",
            numbers(series),
            meters,
        )
        return {row["series_no"]: (row["meter"], row["grp"]) for row in rows}


def _added_up(rows: Iterable[asyncpg.Record]) -> dict[tuple[int, int], Decimal]:
    """(n, series) → the sum over its rows."""
    found: dict[tuple[int, int], Decimal] = {}
    alike: dict[tuple[int, int, bytes], list[tuple[int, ...]]] = {}
    for row in rows:
        series = row["series"]
        if series is None:
            continue
        if row["wide"] is None:
            values = numbers_of(row["vals"][_ARRAY_HEAD:])
            alike.setdefault((row["n"], row["scale"], series), []).append(values)
            continue
        for number, value in zip(numbers_of(series[_ARRAY_HEAD:]), row["wide"], strict=True):
            found[row["n"], number] = found.get((row["n"], number), _ZERO) + value
    for (n, scale, series), columns in alike.items():
        totals = map(sum, zip(*columns, strict=True)) if len(columns) > 1 else columns[0]
        for number, total in zip(numbers_of(series[_ARRAY_HEAD:]), totals, strict=True):
            found[n, number] = found.get((n, number), _ZERO) + Decimal(total).scaleb(-scale)
    return found


def _add(found: Totals, asking: Iterable[AskedRange], group: GroupKey, value: Decimal) -> None:
    for one in asking:
        shown = None if one.blank is None else one.blank if group == OTHER else group
        key = (one.n, shown)
        found[key] = found.get(key, _ZERO) + value


def _columns(places: Mapping[Stretch, int]) -> tuple[list[object], ...]:
    stretches = list(places)
    return (
        list(places.values()),
        [stretch.customer_id for stretch in stretches],
        [stretch.start for stretch in stretches],
        [stretch.end for stretch in stretches],
        [stretch.by_day for stretch in stretches],
        [
            msgspec.Raw(msgspec.json.encode(stretch.without)) if stretch.without else None
            for stretch in stretches
        ],
    )
