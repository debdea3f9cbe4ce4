"""SQL of activity."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

import asyncpg

from services.rating.metering.domain.aggregations.aggregation import OverItems

Due = tuple[str, date, str]  # subject, UTC day, event type
Measured = tuple[str, date, str]  # subject, UTC day, meter
COLLECT = 0x7532632E616374  # held by who folds marks
SUBJECTS_AFTER = "select subject from rating.usage_subjects where subject > $1 order by subject limit $2"
MARK_DAYS = """insert into rating.activity_marks (subject, day)
    select subject, day from rating.usage_days where subject = any($1::text[])
    union select subject, (hour at time zone 'UTC')::date from rating.usage_uniques
        where subject = any($1::text[])"""


@dataclass(frozen=True, slots=True)
class HourSeen:
    """One hour of a subject on a meter: its events, and the quantity of that hour."""

    subject: str
    day: date
    meter: str
    hour: int
    events: int
    value: Decimal


class ActivityRepository:
    def __init__(self, connection: asyncpg.Connection) -> None:
        self._connection = connection

    async def collect(self, limit: int) -> int:
        """Fold appended marks into one due row a subject, day and event type, one caller at a time; return
        how many marks were taken."""
        await self._connection.execute("select pg_advisory_xact_lock($1)", COLLECT)
        taken: int = await self._connection.fetchval(
            """with gone as (
                   delete from rating.activity_marks
                   where ctid = any (array(select ctid from rating.activity_marks limit $1))
                       returning subject, day, type),
                    wanted as (
                   select subject, day, type from gone where type <> ''
                   union select subject, day, t.type from gone cross join rating.event_types t
                       where gone.type = ''),
                    due as (
                   insert into rating.activity_due (subject, day, type) select subject, day, type from wanted
                       order by 1, 2, 3 on conflict do nothing)
               select count(*) from gone""",
            limit,
        )
        return taken

    async def claim(self, limit: int) -> list[Due]:
        """Take what waits longest."""
        rows = await self._connection.fetch(
            """delete from rating.activity_due
               where ctid = any (array(select ctid from rating.activity_due order by since
                   limit $1 for update skip locked))
               returning subject, day, type""",
            limit,
        )
        return [tuple(row) for row in rows]

    async def wait_for_others(self) -> datetime:
        """Wait until everybody who is taking marks or telling them has committed; return the database's time
        then."""
        await self._connection.execute("lock table rating.activity_due in share mode")
        moment: datetime = await self._connection.fetchval("select clock_timestamp()")
        return moment

    async def waits(self, moment: datetime) -> bool:
        """Whether something from before a moment is untold."""
        left: bool = await self._connection.fetchval(
            "select exists (select from rating.activity_due where since <= $1)", moment
        )
        return left

    async def on_its_way(self, topic: str, moment: datetime) -> bool:
        """Whether the outbox holds something of this topic from before a moment."""
        waits: bool = await self._connection.fetchval(
            "select exists (select from rating.outbox where topic = $1 and created_at <= $2)", topic, moment
        )
        return waits

    async def last_seen(self, due: Sequence[Due]) -> dict[Due, datetime]:
        """When the newest event of that subject, day and type happened; absent without events."""
        rows = await self._connection.fetch(
            f"""select d.subject, d.day, d.name, seen.at from {_ASKED}
                cross join lateral (select max(e.time) as at from rating.events e
                    where e.subject = d.subject and e.type = d.name
                    and e.time >= d.day::timestamp at time zone 'UTC'
                        and e.time < (d.day + 1)::timestamp at time zone 'UTC') seen
                where seen.at is not null""",
            *_columns(due),
        )
        return {(row["subject"], row["day"], row["name"]): row["at"] for row in rows}

    async def hours_of_sums(self, asked: Sequence[Measured]) -> list[HourSeen]:
        """The hours of these days with usage, of meters that add up."""
        return [HourSeen(*row) for row in await self._connection.fetch(_SUMMED, *_columns(asked))]

    async def hours_of_items(self, aggregation: OverItems, asked: Sequence[Measured]) -> list[HourSeen]:
        """The hours of these days with usage, of meters over items with this aggregation."""
        over_items = _OVER_ITEMS.format(quantity=aggregation.over("item"))
        return [HourSeen(*row) for row in await self._connection.fetch(over_items, *_columns(asked))]

    async def items(self, asked: Sequence[Measured]) -> dict[Measured, list[str]]:
        """The distinct items of these days."""
        rows = await self._connection.fetch(
            f"""select d.subject, d.day, d.name, array_agg(distinct u.item) as items
                from {_ASKED} cross join lateral (select * from rating.usage_uniques
                    where {_THAT_DAY} and events > 0 offset 0) u
                group by 1, 2, 3""",
            *_columns(asked),
        )
        return {(row["subject"], row["day"], row["name"]): row["items"] for row in rows}

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
        rows = await self._connection.fetch(SUBJECTS_AFTER, after, limit)
        return [row["subject"] for row in rows]

    async def mark_all_days(self, subjects: Sequence[str]) -> None:
        """Let every UTC day on which these subjects have usage be told again."""
        await self._connection.execute(MARK_DAYS, subjects)


_ASKED = "unnest($1::text[], $2::date[], $3::text[]) d (subject, day, name)"
# With `offset 0` around it, each is one walk along the key's index, whatever the planner believes of a table
# that grows. What one day has is
# added up inside it: items by hash, once an hour, which takes half the time of sorting them for
# count(distinct).
_THAT_DAY = """subject = d.subject and meter = d.name
    and hour >= d.day::timestamp at time zone 'UTC' and hour < (d.day + 1)::timestamp at time zone 'UTC'"""
_HOURS_OF = "select d.subject, d.day, d.name, extract(hour from u.hour at time zone 'UTC')::int as hour, u.events, u.value from"
_SUMMED = f"""
{_HOURS_OF} {_ASKED} cross join lateral (
    select hour, sum(events)::bigint as events, sum(value) as value from rating.usage_hours where {_THAT_DAY}
        group by hour offset 0) u
"""
_OVER_ITEMS = f"""
{_HOURS_OF} {_ASKED} cross join lateral (
    select hour, sum(events)::bigint as events, {{quantity}}::numeric as value from (
        select hour, item, sum(events) as events from rating.usage_uniques where {_THAT_DAY} and events > 0
            group by hour, item) items
    group by hour offset 0) u
"""


def _columns(asked: Sequence[tuple[str, date, str]]) -> tuple[list[str], list[date], list[str]]:
    return [subject for subject, _, _ in asked], [day for _, day, _ in asked], [name for _, _, name in asked]
