"""SQL of back-fills."""

from collections.abc import Mapping
from datetime import datetime

import asyncpg

from services.rating.catalogue.repository import Backfill, backfill_of
from services.rating.metering.activity.repository import ASK_AGAIN
from services.rating.metering.repository.usage import FENCE, StoredEvent, stored_event

_DAYS = """select $1 as meter, subject, day from rating.usage_days where meter = $1
    union select $1, subject, (hour at time zone 'UTC')::date from rating.usage_uniques where meter = $1"""


class BackfillRepository:
    def __init__(self, connection: asyncpg.Connection) -> None:
        self._connection = connection

    async def close_fence(self) -> None:
        """Wait until no batch is under way, and keep new ones out until the transaction ends."""
        await self._connection.execute("select pg_advisory_xact_lock($1)", FENCE)

    async def type_was_stored(self, event_type: str) -> bool:
        found: bool = await self._connection.fetchval(
            "select exists (select from rating.event_types where type = $1)", event_type
        )
        return found

    async def forget_recounts(self, meter: str) -> None:
        """Forget what was to be counted again of a meter: all of it is."""
        await self._connection.execute("delete from rating.recounts where meter = $1", meter)

    async def start(self, meter: str, cut: Mapping[int, int]) -> None:
        """Give the job the meter's events up to `cut` (partition → batch id), from the beginning."""
        await self._connection.execute(
            """insert into rating.backfills (meter, cut) values ($1, $2)
               on conflict (meter) do update set cut = excluded.cut, cursor_batch_id = 0, cursor_seq = -1,
                   started_at = clock_timestamp(), finished_at = null""",
            meter,
            {str(partition): batch_id for partition, batch_id in cut.items()},
        )

    async def keep_days(self, meter: str) -> None:
        """Keep the days the meter has usage on, before its aggregates are forgotten: what it no longer counts
        is to be priced again too."""
        await self._connection.execute(
            f"insert into rating.backfill_days (meter, subject, day) {_DAYS} on conflict do nothing", meter
        )

    async def running(self) -> Backfill | None:
        """The oldest running back-fill; None when there is none. Who holds the packed rows takes its next
        step."""
        row = await self._connection.fetchrow(
            """select meter, cut, cursor_batch_id, cursor_seq from rating.backfills where finished_at is null
               order by started_at limit 1"""
        )
        return backfill_of(row) if row else None

    async def next_events(
        self, backfill: Backfill, event_type: str, limit: int
    ) -> tuple[list[StoredEvent], tuple[int, int] | None]:
        """Return the next events of the type that were not void at the cut, and the place of the last one
        looked at (None: none is left)."""
        rows = await self._connection.fetch(
            """select e.key, e.partition, e.batch_id, e.seq, e.type, e.subject, e.time, e.data::text as body,
                   exists (select from rating.voids v where v.key = e.key
                       and v.batch_id <= coalesce(($4::jsonb ->> v.partition::text)::bigint, 0)) as void
               from rating.events e
               where e.type = $1 and (e.batch_id, e.seq) > ($2, $3)
                   and e.batch_id <= coalesce(($4::jsonb ->> e.partition::text)::bigint, 0)
                   and e.batch_id <= $5
               order by e.batch_id, e.seq limit $6""",
            event_type,
            backfill.batch_id,
            backfill.seq,
            {str(partition): batch_id for partition, batch_id in backfill.cut.items()},
            max(backfill.cut.values(), default=0),
            limit,
        )
        return [stored_event(row) for row in rows if not row["void"]], (
            rows[-1]["batch_id"],
            rows[-1]["seq"],
        ) if rows else None

    async def move(self, meter: str, place: tuple[int, int]) -> None:
        await self._connection.execute(
            "update rating.backfills set cursor_batch_id = $2, cursor_seq = $3 where meter = $1",
            meter,
            *place,
        )

    async def finish(self, meter: str, at: datetime) -> None:
        await self._connection.execute(
            "update rating.backfills set finished_at = $2 where meter = $1", meter, at
        )

    async def drop_empty_items(self, meter: str, since: int) -> None:
        """Drop the rows of items that came after their void, and so stand at 0."""
        await self._connection.execute(
            """delete from rating.usage_items i using rating.usage_series n
               where n.series_no = i.series_no and n.meter = $1 and n.since = $2 and i.events = 0""",
            meter,
            since,
        )

    async def mark_all(self, meter: str) -> None:
        """Mark every (subject, UTC day) that has usage of the meter, or had when the job began."""
        await self._connection.execute(
            f"""with kept as (delete from rating.backfill_days where meter = $1 returning subject, day),
                    touched as materialized (select subject, day from ({_DAYS}) found union
                        select subject, day from kept),
                    again as ({ASK_AGAIN.format(subjects="touched")})
               insert into rating.marks (subject, day, at_once) select subject, day, true from touched""",
            meter,
        )
