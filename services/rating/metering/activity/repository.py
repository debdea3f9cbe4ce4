"""SQL of activity: of the hours a fold touched, by numbers; of days that are told again, by names; and of who
waits."""

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import NamedTuple

import asyncpg

from services.rating.metering.domain.aggregations.aggregation import OverItems
from services.rating.metering.fold.domain.changes import TouchedNumber
from services.rating.metering.repository.columns import numbers

SUBJECTS_AT_ONCE = 50
NamedDay = tuple[str, date, str]  # subject, UTC day, meter (or event type)


class MeterHour(NamedTuple):
    """A subject's hour, counted since the epoch, on a meter that counts as it does since a revision."""

    subject_no: int
    hour: int
    meter: str
    since: int


class MeterDay(NamedTuple):
    """The same of a UTC day."""

    subject_no: int
    day: date
    meter: str
    since: int


class HourSeen(NamedTuple):
    """An hour of a UTC day of a subject on a meter: its events, and what they come to."""

    subject: str
    day: date
    meter: str
    hour: int
    events: int
    value: Decimal


class SubjectDays(NamedTuple):
    """The next days of a subject that is told again, the oldest first."""

    subject: str
    days: Sequence[date]


class TouchedRepository:
    """What a fold asks: only of hours and days that it changed."""

    def __init__(self, connection: asyncpg.Connection) -> None:
        self._connection = connection

    async def newest(self, touched: Sequence[TouchedNumber]) -> dict[TouchedNumber, int]:
        """When the newest stored event of these happened, in µs since the epoch."""
        rows = await self._connection.fetch(
            f"""select a.n, (extract(epoch from seen.at) * 1000000)::bigint as newest_us
                from unnest({_NUMBERS}, $3::text[]) with ordinality a (subject_no, hour, type, n)
                join rating.usage_subjects s using (subject_no)
                cross join lateral (select max(e.time) as at from rating.events e
                    where e.subject = s.subject and e.type = a.type
                        and e.time >= {_HOUR} and e.time < {_HOUR} + interval '1 hour') seen
                where seen.at is not null""",
            *_columns(touched),
            [event_type for _, _, event_type in touched],
        )
        return {touched[row["n"] - 1]: row["newest_us"] for row in rows}

    async def hours_of_items(
        self, aggregation: OverItems, hours: Sequence[MeterHour]
    ) -> dict[MeterHour, tuple[int, Decimal]]:
        """Events and quantity of these hours, each over all groups of its meter."""
        rows = await self._connection.fetch(
            f"""select a.n, items.events, items.value
                from unnest({_NUMBERS}, $3::text[], $4::bigint[]) with ordinality
                    a (subject_no, hour, meter, since, n)
                cross join lateral (
                    select coalesce(sum(events), 0)::bigint as events,
                        coalesce({aggregation.over("item")}::numeric, 0) as value
                    from (select u.item, sum(u.events) as events
                        from rating.usage_series s join rating.usage_items u
                            on u.subject_no = a.subject_no and u.series_no = s.series_no and u.hour = {_HOUR}
                        where s.meter = a.meter and s.since = a.since and u.events > 0
                        group by u.item) each_item
                    offset 0) items""",
            *_columns(hours),
            [hour.meter for hour in hours],
            [hour.since for hour in hours],
        )
        return {hours[row["n"] - 1]: (row["events"], row["value"]) for row in rows}

    async def items(self, days: Sequence[MeterDay]) -> dict[MeterDay, list[str]]:
        """The distinct items of these days."""
        rows = await self._connection.fetch(
            f"""select a.n, array_agg(distinct u.item) as items
                from unnest($1::bigint[], $2::date[], $3::text[], $4::bigint[]) with ordinality
                    a (subject_no, day, meter, since, n)
                join rating.usage_series s on s.meter = a.meter and s.since = a.since
                join rating.usage_items u on u.subject_no = a.subject_no and u.series_no = s.series_no
                    and {_THAT_DAY.format(of="a")} and u.events > 0
                group by a.n""",
            [day.subject_no for day in days],
            [day.day for day in days],
            [day.meter for day in days],
            [day.since for day in days],
        )
        return {days[row["n"] - 1]: row["items"] for row in rows}


class ActivityRepository:
    """Of subjects, by name."""

    def __init__(self, connection: asyncpg.Connection) -> None:
        self._connection = connection

    async def customers(self, subjects: Sequence[str]) -> dict[str, tuple[str, str]]:
        """Subject → (customer id, external id), of those that mean a customer."""
        rows = await self._connection.fetch(
            """select s.subject, c.customer_id, c.external_id from rating.subjects s
                join rating.customers c using (customer_id)
               where s.subject = any($1::text[])""",
            list(subjects),
        )
        return {row["subject"]: (row["customer_id"], row["external_id"]) for row in rows}

    async def subjects_after(self, after: str, limit: int) -> list[str]:
        """Subjects with usage, by name, after this one."""
        rows = await self._connection.fetch(
            "select subject from rating.usage_subjects where subject > $1 order by subject limit $2",
            after,
            limit,
        )
        return [row["subject"] for row in rows]

    async def ask_again(self, subjects: Sequence[str]) -> None:
        """Let all days on which these subjects have usage be told again."""
        await self._connection.execute(ASK_AGAIN.format(subjects="unnest($1::text[]) a (subject)"), subjects)

    async def next_days(self, limit: int) -> list[SubjectDays]:
        """Of subjects that are asked for again, those first that were first, the next days: up to so many of
        each."""
        rows = await self._connection.fetch(_NEXT_DAYS, limit, SUBJECTS_AT_ONCE)
        return [SubjectDays(*row) for row in rows]

    async def passed(self, subject: str, last: date) -> None:
        """The subject is told up to this day."""
        await self._connection.execute(
            "update rating.activity_due set after = $2 where subject = $1", subject, last
        )

    async def done(self, subjects: Sequence[str]) -> None:
        await self._connection.execute(
            "delete from rating.activity_due where subject = any($1::text[])", subjects
        )

    async def types(self) -> list[str]:
        """Every event type that was ever stored."""
        rows = await self._connection.fetch("select type from rating.event_types order by type")
        return [row["type"] for row in rows]

    async def last_seen(self, days: Sequence[NamedDay]) -> dict[NamedDay, datetime]:
        """When the newest event of that subject, day and type happened; absent without events."""
        rows = await self._connection.fetch(
            f"""select d.subject, d.day, d.name, seen.at from {_ASKED}
                cross join lateral (select max(e.time) as at from rating.events e
                    where e.subject = d.subject and e.type = d.name
                    and e.time >= d.day::timestamp at time zone 'UTC'
                        and e.time < (d.day + 1)::timestamp at time zone 'UTC') seen
                where seen.at is not null""",
            *_named(days),
        )
        return {(row["subject"], row["day"], row["name"]): row["at"] for row in rows}

    async def hours_of_sums(self, days: Sequence[NamedDay]) -> list[HourSeen]:
        """The hours of these days with usage, of meters that add up."""
        return [HourSeen(*row) for row in await self._connection.fetch(_SUMMED, *_named(days))]

    async def hours_of_items(self, aggregation: OverItems, days: Sequence[NamedDay]) -> list[HourSeen]:
        """The hours of these days with usage, of meters over items with this aggregation."""
        over_items = _OVER_ITEMS.format(quantity=aggregation.over("item"))
        return [HourSeen(*row) for row in await self._connection.fetch(over_items, *_named(days))]

    async def items(self, days: Sequence[NamedDay]) -> dict[NamedDay, list[str]]:
        """The distinct items of these days."""
        rows = await self._connection.fetch(
            f"""select d.subject, d.day, d.name, array_agg(distinct u.item) as items
                from {_ASKED} cross join lateral (select * from rating.usage_uniques
                    where {_NAMED_DAY} and events > 0 offset 0) u
                group by 1, 2, 3""",
            *_named(days),
        )
        return {(row["subject"], row["day"], row["name"]): row["items"] for row in rows}


class ActivityProgress:
    """For who waits, and holds nothing."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    async def waits(self, moment: datetime) -> bool:
        """Whether a subject asked for before a moment is not told again yet."""
        left: bool = await self._pool.fetchval(
            "select exists (select from rating.activity_due where since <= $1)", moment
        )
        return left


#: `{subjects}` is a FROM item with a column `subject`. Who is being told again begins anew.
ASK_AGAIN = """insert into rating.activity_due as due (subject)
    select distinct subject from {subjects} join rating.usage_subjects using (subject) order by 1
    on conflict (subject) do update set after = excluded.after, since = excluded.since"""
_NEXT_DAYS = """
select due.subject, array(
    select day from (
        select u.day from rating.usage_days u where u.subject = due.subject and u.day > due.after
        union select (u.hour at time zone 'UTC')::date from rating.usage_uniques u
        where u.subject = due.subject and u.hour >= (due.after + 1)::timestamp at time zone 'UTC') days
    order by day limit $1) as days
from (select subject, after, since from rating.activity_due order by since limit $2 for update skip locked) due
order by due.since, due.subject
"""
_NUMBERS = "string_to_array($1, ',')::bigint[], string_to_array($2, ',')::int[]"
_HOUR = "timestamptz 'epoch' + make_interval(hours => a.hour)"
_THAT_DAY = """hour >= {of}.day::timestamp at time zone 'UTC'
    and hour < ({of}.day + 1)::timestamp at time zone 'UTC'"""
_ASKED = "unnest($1::text[], $2::date[], $3::text[]) d (subject, day, name)"
# With `offset 0` around it, each is one walk along the key's index, whatever the planner believes of a table
# that grows. What one day has is added up inside it: items by hash, once an hour, which takes half the time of
# sorting them for count(distinct).
_NAMED_DAY = f"subject = d.subject and meter = d.name and {_THAT_DAY.format(of='d')}"
_HOURS_OF = "select d.subject, d.day, d.name, extract(hour from u.hour at time zone 'UTC')::int as hour, u.events, u.value from"
_SUMMED = f"""
{_HOURS_OF} {_ASKED} cross join lateral (
    select hour, sum(events)::bigint as events, sum(value) as value from rating.usage_hours where {_NAMED_DAY}
        group by hour offset 0) u
"""
_OVER_ITEMS = f"""
{_HOURS_OF} {_ASKED} cross join lateral (
    select hour, sum(events)::bigint as events, {{quantity}}::numeric as value from (
        select hour, item, sum(events) as events from rating.usage_uniques where {_NAMED_DAY} and events > 0
            group by hour, item) items
    group by hour offset 0) u
"""


def _columns(places: Iterable[Sequence[object]]) -> tuple[str, str]:
    """Subject numbers, and hours since the epoch."""
    found = list(places)
    return numbers(place[0] for place in found), numbers(place[1] for place in found)


def _named(days: Sequence[NamedDay]) -> tuple[list[str], list[date], list[str]]:
    return [subject for subject, _, _ in days], [day for _, day, _ in days], [name for _, _, name in days]
