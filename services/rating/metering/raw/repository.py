"""SQL of raw events."""

from collections.abc import Collection, Sequence
from datetime import datetime

import asyncpg
import msgspec

from services.rating.metering.domain.arrival import key_of
from services.rating.metering.raw.rows import Selection
from services.rating.metering.repository.batches import is_in
from services.rating.metering.repository.usage import StoredEvent, stored_event

#: An event's time, batch id and seq: the order of a page.
Place = tuple[datetime, int, int]
#: SQL: what of event `e` of its subject is left out.
_OUT = "coalesce($11::jsonb -> e.subject, $10::jsonb)"


class RawRepository:
    def __init__(self, connection: asyncpg.Connection) -> None:
        self._connection = connection

    async def subjects_of(self, customer_id: str) -> list[str]:
        rows = await self._connection.fetch(
            "select subject from rating.subjects where customer_id = $1 order by subject", customer_id
        )
        return [row["subject"] for row in rows]

    async def events(
        self,
        selection: Selection,
        event_type: str,
        after: Place | None,
        limit: int,
    ) -> list[tuple[StoredEvent, asyncpg.Record]]:
        """Return the next events of the subjects and the time of `selection`, in order of (time, batch, seq),
        that were stored, and not void, up to the batches of its `before_batch` (None: as far as is folded)."""
        before_batch = selection.before_batch
        rows = await self._connection.fetch(
            f"""select e.key, e.partition, e.batch_id, e.seq, e.type, e.subject, e.time, e.data::text as body,
                e.source, e.id, e.received_at
               from rating.events e
               cross join (select coalesce($8::jsonb, watermark) as watermark from rating.fold_state) f
               where e.subject = any($1::text[]) and e.type = $2 and e.time >= $3 and e.time < $4
                   and (e.time, e.batch_id, e.seq) > ($5, $6, $7)
                   and e.batch_id <= coalesce((f.watermark ->> e.partition::text)::bigint, 0)
                   and not {is_in(_OUT, "e")}
                   and not exists (select from rating.voids v where v.key = e.key
                       and not {is_in(_OUT, "v")}
                       and v.batch_id <= coalesce((f.watermark ->> v.partition::text)::bigint, 0))
               order by e.time, e.batch_id, e.seq limit $9""",
            list(selection.subjects),
            event_type,
            selection.start,
            selection.end,
            *(after or (selection.start, -1, -1)),
            dict(before_batch) if before_batch is not None else None,
            limit,
            selection.out and selection.out.batches.as_stored(),
            selection.out and selection.out.own_as_stored(),
        )
        return [(stored_event(row), row) for row in rows]

    async def hours_of_groups(
        self,
        subjects: Sequence[str],
        meter: str,
        start: datetime,
        end: datetime,
        dimensions: Sequence[str],
        groups: Collection[tuple[str, ...]],
    ) -> list[tuple[datetime, int]]:
        """Return the UTC hours that overlap [start, end) in which these groups (values in the order of
        `dimensions`) have events, and how many."""
        rows = await self._connection.fetch(
            """select hour, sum(events)::bigint as events from (
                   select hour, grp, events from rating.usage_hours
                   where subject = any($1::text[]) and meter = $2
                       and hour >= date_trunc('hour', $3::timestamptz, 'UTC') and hour < $4
                   union all
                   select hour, grp, events from rating.usage_uniques
                   where subject = any($1::text[]) and meter = $2
                       and hour >= date_trunc('hour', $3::timestamptz, 'UTC') and hour < $4) u
               where events > 0 and coalesce((
                   select jsonb_agg(coalesce(u.grp::jsonb ->> d.name, '') order by d.n)
                       from unnest($5::text[]) with ordinality d (name, n)),
                   '[]') = any($6::jsonb[])
               group by hour order by hour""",
            list(subjects),
            meter,
            start,
            end,
            list(dimensions),
            [msgspec.Raw(msgspec.json.encode(group)) for group in groups],
        )
        return [(row["hour"], row["events"]) for row in rows]

    async def any_void(self, names: Sequence[tuple[str, str]]) -> bool:
        """Whether a void is in force for one of these events (source, id)."""
        found: bool = await self._connection.fetchval(
            "select exists (select from rating.voids where key = any($1::bytea[]))",
            [key_of(source, id) for source, id in names],
        )
        return found
