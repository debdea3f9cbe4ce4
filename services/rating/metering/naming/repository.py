"""SQL of named values, and of the months in which they are counted again."""

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import date, datetime
from typing import NamedTuple

import asyncpg

from services.rating.metering.domain.admission import EVERYONE
from services.rating.metering.domain.group import OTHER
from services.rating.metering.repository.usage import StoredEvent, stored_event


class NamedValue(NamedTuple):
    """A value of a meter's dimension, as a group has it."""

    meter: str
    dimension: str
    value: str


class SubjectMonth(NamedTuple):
    """A UTC month (its first day) of a subject on a meter."""

    meter: str
    subject: str
    month: date


class MonthOfType(NamedTuple):
    """The events of a subject and type in [start, end)."""

    subject: str
    event_type: str
    start: datetime
    end: datetime


_EVENT = "e.key, e.partition, e.batch_id, e.seq, e.type, e.subject, e.time, e.data::text as body"


class NamingRepository:
    def __init__(self, connection: asyncpg.Connection) -> None:
        self._connection = connection

    async def unknown(self, named: Sequence[NamedValue]) -> list[NamedValue]:
        """Those of these values that nobody has named yet."""
        rows = await self._connection.fetch(
            """select * from unnest($1::text[], $2::text[], $3::text[]) n (meter, dimension, value)
               where not exists (select from rating.named_values v
                   where (v.meter, v.dimension, v.value) = (n.meter, n.dimension, n.value))
               order by 1, 2, 3""",
            *_columns(named),
        )
        return [NamedValue(*row) for row in rows]

    async def name(self, named: Sequence[NamedValue]) -> None:
        """Name values from the next batch on. The fence must be closed: then every batch with a smaller
        number is done or has not begun."""
        await self._connection.execute(
            """insert into rating.named_values (meter, dimension, value, since_batch)
               select meter, dimension, value, since from (select nextval('bus.batch_id') as since) batch
               cross join unnest($1::text[], $2::text[], $3::text[]) n (meter, dimension, value)
                   on conflict do nothing""",
            *_columns(named),
        )

    async def turned_away(self, meters: Sequence[str]) -> list[SubjectMonth]:
        """Where something of these meters, as they count now, stands in `other`."""
        rows = await self._connection.fetch(
            f"""select a.meter, a.subject, a.month from rating.admitted_groups a
               join rating.meters m on m.meter = a.meter and m.counts_since = a.meter_revision
               where a.meter = any($1::text[]) and a.grp = $2 and a.subject <> '{EVERYONE}'
                   order by 1, 2, 3""",
            list(meters),
            OTHER,
        )
        return [SubjectMonth(*row) for row in rows]

    async def ask(self, places: Sequence[SubjectMonth]) -> None:
        """Let these be counted again."""
        await self._connection.execute(
            "insert into rating.recounts (meter, subject, month) select * from unnest($1::text[], $2::text[], $3::date[]) on conflict do nothing",
            [place.meter for place in places],
            [place.subject for place in places],
            [place.month for place in places],
        )

    async def next(self) -> SubjectMonth | None:
        """The oldest one that can be counted; None when there is none."""
        row = await self._connection.fetchrow(
            """select r.meter, r.subject, r.month from rating.recounts r join rating.meters m using (meter)
                where m.backfilled
               order by r.asked_at, r.meter, r.subject, r.month limit 1"""
        )
        return SubjectMonth(*row) if row else None

    async def finish(self, place: SubjectMonth) -> None:
        await self._connection.execute(
            "delete from rating.recounts where (meter, subject, month) = ($1, $2, $3)", *place
        )

    async def events(
        self, of: MonthOfType, after: Mapping[str, int], events_max: int
    ) -> AsyncIterator[list[StoredEvent]]:
        """The events of a subject's month that came after these batches, partition (as text) → batch id, and are not
        void, both as far as they are folded; so many at a time."""
        cursor = (of.start, -1, -1)
        while True:
            rows = await self._connection.fetch(
                f"""select {_EVENT},
                       exists (select from rating.voids v where v.key = e.key
                           and v.batch_id <= coalesce((f.watermark ->> v.partition::text)::bigint, 0)) as void
                   from rating.events e cross join rating.fold_state f
                   where e.batch_id <= coalesce((f.watermark ->> e.partition::text)::bigint, 0)
                       and e.batch_id > coalesce(($5::jsonb ->> e.partition::text)::bigint, 0)
                       and e.subject = $1 and e.type = $2 and e.time >= $3 and e.time < $4
                       and (e.time, e.batch_id, e.seq) > ($6, $7, $8)
                   order by e.time, e.batch_id, e.seq limit $9""",
                *of,
                after,
                *cursor,
                events_max,
            )
            yield [stored_event(row) for row in rows if not row["void"]]
            if len(rows) < events_max:
                return
            cursor = rows[-1]["time"], rows[-1]["batch_id"], rows[-1]["seq"]

    async def voided(self, of: MonthOfType, after: Mapping[str, int]) -> list[StoredEvent]:
        """The events of a subject's month that came up to these batches and are void by what was folded since."""
        rows = await self._connection.fetch(
            f"""select {_EVENT} from rating.voids v cross join rating.fold_state f
                join rating.events e on e.batch_id = v.event_batch_id and e.seq = v.event_seq
                where v.batch_id <= coalesce((f.watermark ->> v.partition::text)::bigint, 0)
                    and v.batch_id > coalesce(($5::jsonb ->> v.partition::text)::bigint, 0)
                    and e.batch_id <= coalesce(($5::jsonb ->> e.partition::text)::bigint, 0)
                    and e.subject = $1 and e.type = $2 and e.time >= $3 and e.time < $4""",
            *of,
            after,
        )
        return [stored_event(row) for row in rows]

    async def mark(self, subject: str, days: Sequence[date]) -> None:
        """Let these days be priced again."""
        await self._connection.execute(
            "insert into rating.marks (subject, day, at_once) select $1, unnest($2::date[]), true",
            subject,
            days,
        )


def _columns(named: Sequence[NamedValue]) -> tuple[list[str], list[str], list[str]]:
    return (
        [value.meter for value in named],
        [value.dimension for value in named],
        [value.value for value in named],
    )
