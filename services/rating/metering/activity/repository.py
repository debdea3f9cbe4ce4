"""SQL of activity."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

import asyncpg

SubjectDay = tuple[str, date]


@dataclass(frozen=True, slots=True)
class HourSeen:
    """One hour of a subject on a meter: events, and value (unique: distinct items)."""

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
        """Fold appended marks into one due row a subject and day; return how many marks were taken."""
        taken: int = await self._connection.fetchval(
            """with gone as (
                   delete from rating.activity_marks
                   where ctid = any (array(select ctid from rating.activity_marks limit $1 for update skip locked)) returning subject, day),
                    due as (
                   insert into rating.activity_due (subject, day) select distinct subject, day from gone order by 1, 2 on conflict do nothing)
               select count(*) from gone""", limit)
        return taken

    async def claim(self, limit: int) -> list[SubjectDay]:
        """Take the subject-days that wait longest."""
        rows = await self._connection.fetch(
            """delete from rating.activity_due a using (
                   select subject, day from rating.activity_due order by since limit $1 for update skip locked) oldest
               where a.subject = oldest.subject and a.day = oldest.day returning a.subject, a.day""", limit)
        return [(row["subject"], row["day"]) for row in rows]

    async def wait_for_others(self) -> datetime:
        """Wait until everybody who is taking marks or telling them has committed; return the database's time then."""
        await self._connection.execute("lock table rating.activity_due in share mode")
        moment: datetime = await self._connection.fetchval("select clock_timestamp()")
        return moment

    async def waits(self, moment: datetime) -> bool:
        """Whether a subject-day from before a moment is untold."""
        left: bool = await self._connection.fetchval("select exists (select from rating.activity_due where since <= $1)", moment)
        return left

    async def on_its_way(self, topic: str, moment: datetime) -> bool:
        """Whether the outbox holds something of this topic from before a moment."""
        waits: bool = await self._connection.fetchval(
            "select exists (select from rating.outbox where topic = $1 and created_at <= $2)", topic, moment)
        return waits

    async def last_seen(self, due: Sequence[SubjectDay], types: Sequence[str]) -> dict[tuple[str, date, str], datetime]:
        """(subject, day, event type) → when its newest event of that day happened; absent without events."""
        rows = await self._connection.fetch(
            f"""select d.subject, d.day, t.type, seen.at from {_DUE} cross join unnest($3::text[]) t (type)
                cross join lateral (select max(e.time) as at from rating.events e where e.subject = d.subject and e.type = t.type
                    and e.time >= d.day::timestamp at time zone 'UTC' and e.time < (d.day + 1)::timestamp at time zone 'UTC') seen
                where seen.at is not null""", *_columns(due), list(types))
        return {(row["subject"], row["day"], row["type"]): row["at"] for row in rows}

    async def hours(self, due: Sequence[SubjectDay]) -> list[HourSeen]:
        rows = await self._connection.fetch(
            f"""select d.subject, d.day, u.meter, extract(hour from u.hour at time zone 'UTC')::int as hour, sum(u.events)::bigint as events,
                    sum(u.value) as value
                from {_DUE} cross join lateral (select * from rating.usage_hours where subject = d.subject and {_THAT_DAY} offset 0) u
                group by 1, 2, 3, 4
                union all
                select d.subject, d.day, u.meter, extract(hour from u.hour at time zone 'UTC')::int, sum(u.events)::bigint,
                    count(distinct u.item)::numeric
                from {_DUE} cross join lateral (select * from rating.usage_uniques where subject = d.subject and events > 0
                    and {_THAT_DAY} offset 0) u
                group by 1, 2, 3, 4""", *_columns(due))
        return [HourSeen(*row) for row in rows]

    async def items(self, due: Sequence[SubjectDay], meters: Sequence[str]) -> dict[tuple[str, date, str], list[str]]:
        """(subject, day, meter) → the distinct items of the day, for these meters."""
        rows = await self._connection.fetch(
            f"""select d.subject, d.day, u.meter, array_agg(distinct u.item) as items
                from {_DUE} cross join lateral (select * from rating.usage_uniques where subject = d.subject and meter = any($3::text[])
                    and events > 0 and {_THAT_DAY} offset 0) u
                group by 1, 2, 3""", *_columns(due), list(meters))
        return {(row["subject"], row["day"], row["meter"]): row["items"] for row in rows}

    async def customers(self, subjects: Sequence[str]) -> dict[str, tuple[str, str]]:
        """Subject → (customer id, external id), of those that mean a customer."""
        rows = await self._connection.fetch(
            """select s.subject, c.customer_id, c.external_id from rating.subjects s join rating.customers c using (customer_id)
               where s.subject = any($1::text[])""", list(subjects))
        return {row["subject"]: (row["customer_id"], row["external_id"]) for row in rows}


_DUE = "unnest($1::text[], $2::date[]) d (subject, day)"
# With `offset 0` around it, each subject is one walk along the key's index, whatever the planner believes of a table that grows.
_THAT_DAY = "hour >= d.day::timestamp at time zone 'UTC' and hour < (d.day + 1)::timestamp at time zone 'UTC'"


def _columns(due: Sequence[SubjectDay]) -> tuple[list[str], list[date]]:
    return [subject for subject, _ in due], [day for _, day in due]
