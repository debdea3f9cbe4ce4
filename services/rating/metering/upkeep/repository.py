"""SQL of upkeep."""

from dataclasses import dataclass
from datetime import UTC, date, datetime

import asyncpg

from shared.values.period import month_after

LOCK_TIMEOUT = "2s"


@dataclass(frozen=True, slots=True)
class LonelyVoid:
    key: bytes
    source: str
    id: str
    received_at: datetime


@dataclass(frozen=True, slots=True)
class ReplacedTerms:
    """Terms of a meter that nobody reads any more: since when it counted so, and the number of the last subject
    whose items of them are removed."""

    meter: str
    since: int
    after: int


#: Of the next subjects: how many items go, and the last of these subjects.
_DROP = """
    with subjects as (
        select subject_no from rating.usage_subjects where subject_no > $3 order by subject_no limit $4),
    gone as (
        delete from rating.usage_items i using (
            select u.subject_no, u.series_no, u.hour, u.item from subjects s
            cross join rating.usage_series n
            cross join lateral (select * from rating.usage_items
                where subject_no = s.subject_no and series_no = n.series_no offset 0) u
            where n.meter = $1 and n.since = $2 limit $5) u
        where (i.subject_no, i.series_no, i.hour, i.item) = (u.subject_no, u.series_no, u.hour, u.item)
        returning 1)
    select (select count(*) from gone) as gone, (select max(subject_no) from subjects) as last
"""


class UpkeepRepository:
    def __init__(self, connection: asyncpg.Connection) -> None:
        self._connection = connection

    async def add_month(self, first_day: date) -> bool:
        """Make the partition of events received in this UTC month; False when it exists or its events already
        lie in the default one."""
        name = f"events_{first_day:%Y_%m}"
        start = datetime(first_day.year, first_day.month, 1, tzinfo=UTC)
        end = month_after(start)
        taken = await self._connection.fetchval(
            """select to_regclass($1) is not null
                   or exists (select from rating.events_other
                       where received_at >= $2 and received_at < $3)""",
            f"rating.{name}",
            start,
            end,
        )
        if taken:
            return False
        await self._connection.execute(f"set local lock_timeout = '{LOCK_TIMEOUT}'")
        await self._connection.execute(
            f"create table rating.{name} partition of rating.events for values from ('{start.isoformat()}') to ('{end.isoformat()}')"
        )
        return True

    async def lonely_voids(self, received_before: datetime, limit: int) -> list[LonelyVoid]:
        """Voids without an event, older than an instant, that no open exception names yet."""
        rows = await self._connection.fetch(
            """select key, source, id, received_at from rating.voids v
               where event_batch_id is null and received_at < $1 and not exists (
                   select from rating.exceptions x
                   where x.kind = 'void_without_event' and x.reference = encode(v.key, 'hex')
                       and x.resolved_at is null)
               order by key limit $2""",
            received_before,
            limit,
        )
        return [LonelyVoid(*row) for row in rows]

    async def met_since(self) -> list[str]:
        """References of open exceptions whose void has met its event."""
        rows = await self._connection.fetch(
            """select x.reference from rating.exceptions x
                join rating.voids v on v.key = decode(x.reference, 'hex')
               where x.kind = 'void_without_event' and x.resolved_at is null
                   and v.event_batch_id is not null"""
        )
        return [row["reference"] for row in rows]

    async def replaced_terms(self) -> ReplacedTerms | None:
        """The first terms over items that were replaced and that nobody reads any more; None: there are none
        left."""
        row = await self._connection.fetchrow(
            """select meter, since, after from rating.replaced_terms t
               where not exists (select from rating.series_read r where r.meter = t.meter and r.since = t.since)
               order by meter, since limit 1"""
        )
        return ReplacedTerms(*row) if row else None

    async def drop_items(self, terms: ReplacedTerms, subjects_max: int, items_max: int) -> None:
        """Remove the items that the next subjects have of these terms, as many as one share takes. Who does holds
        the packed rows."""
        row = await self._connection.fetchrow(
            _DROP, terms.meter, terms.since, terms.after, subjects_max, items_max
        )
        assert row is not None
        if row["last"] is None:
            await self._connection.execute(
                "delete from rating.replaced_terms where meter = $1 and since = $2", terms.meter, terms.since
            )
        elif row["gone"] < items_max:
            await self._connection.execute(
                "update rating.replaced_terms set after = $3 where meter = $1 and since = $2",
                terms.meter,
                terms.since,
                row["last"],
            )
