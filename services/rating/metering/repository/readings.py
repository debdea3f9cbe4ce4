"""SQL of readings: items and raw events of many customers, meters and ranges in one statement each."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple

import asyncpg
import msgspec

from services.rating.metering.domain.aggregations.aggregation import OverItems
from services.rating.metering.domain.group import OTHER, GroupKey
from services.rating.metering.domain.taken_out import TakenOut
from services.rating.metering.repository.usage import StoredEvent, stored_event


class AskedRange(NamedTuple):
    """Need number `n`: a customer's usage of a meter in [start, end), these subjects left out: by group,
    `blank` being the group that `other` is read as, or as a whole.

    Of raw events only: `after`, what came later than these batches, partition (as text) → batch id; `until`, what came
    no later than these; None: all of it. `taken_out`: what came in these batches, voids too, is left out.
    """

    n: int
    customer_id: str
    meter: str
    blank: GroupKey | None
    start: datetime
    end: datetime
    event_type: str
    without: tuple[str, ...] = ()
    after: Mapping[str, int] | None = None
    until: Mapping[str, int] | None = None
    taken_out: TakenOut | None = None


_ASKED = """unnest(${0}::int[], ${1}::text[], ${2}::text[], ${3}::text[], ${4}::timestamptz[], ${5}::timestamptz[], ${6}::jsonb[])
    a (n, customer_id, meter, blank, start, until, without)"""
_GROUP = f"case when a.blank is null then null when u.grp = '{OTHER}' then a.blank else u.grp end"
#: A customer's subjects; "subject:x" stands for the subject x alone, whoever's it is.
SUBJECT_ALONE = "subject:"
SUBJECTS = """lateral (select subject from rating.subjects
    where customer_id = a.customer_id and (a.without is null or not a.without ? subject)
    union all select substr(a.customer_id, 9) where a.customer_id like 'subject:%'
        and (a.without is null or not a.without ? substr(a.customer_id, 9))) s"""
#: `offset 0`: each range is one walk along the key's index, whatever the planner believes of a table that was
#: empty a moment ago.
_ITEMS = f"""
from {_ASKED.format(1, 2, 3, 4, 5, 6, 7)} cross join {SUBJECTS}
cross join lateral (select grp, item from rating.usage_uniques where subject = s.subject and meter = a.meter
    and hour >= a.start and hour < a.until and events > 0 offset 0) u
"""


#: SQL: whether the batch of a row `{0}` is taken out of a range `a`: {"partition": [[after, up to or null], …]}.
_TAKEN_OUT = """(a.taken_out is not null and exists (
    select from jsonb_array_elements(a.taken_out -> {0}.partition::text) out
    where {0}.batch_id > (out ->> 0)::bigint and ((out ->> 1) is null or {0}.batch_id <= (out ->> 1)::bigint)))"""
#: One probe of an index a partition: batch ids rise with offsets.
LAST_BATCHES = """
    select p.partition, b.batch_id from bus.positions p
    join lateral (select batch_id from bus.batches
        where grp = p.grp and topic = p.topic and partition = p.partition
        order by from_offset desc limit 1) b on true
    where p.grp = 'rating' and p.topic = 'usage.events'
"""


class ReadingsRepository:
    def __init__(self, connection: asyncpg.Connection) -> None:
        self._connection = connection

    async def quantities_of_items(
        self, aggregation: OverItems, ranges: Sequence[AskedRange]
    ) -> list[tuple[int, GroupKey | None, Decimal]]:
        """Return (n, group or None, what its distinct items come to)."""
        # Distinct by hash first: count(distinct) sorts every row, with its group's text.
        rows = await self._connection.fetch(
            f"""select n, grp, {aggregation.over("item")}::numeric
                from (select distinct a.n, {_GROUP} as grp, u.item {_ITEMS}) items group by 1, 2""",
            *_columns(ranges),
        )
        return [tuple(row) for row in rows]

    async def items(self, ranges: Sequence[AskedRange]) -> list[tuple[int, GroupKey, str]]:
        """Return the distinct (n, group, item)."""
        return [
            tuple(row)
            for row in await self._connection.fetch(
                f"select distinct a.n, u.grp, u.item {_ITEMS}", *_columns(ranges)
            )
        ]

    async def raw_events(self, ranges: Sequence[AskedRange]) -> list[tuple[int, StoredEvent]]:
        """Return (n, event) for the events of the ranges' type that are not void, both as far as they are
        folded."""
        rows = await self._connection.fetch(
            f"""select a.n, e.key, e.partition, e.batch_id, e.seq, e.type, e.subject, e.time,
                e.data::text as body
               from unnest($1::int[], $2::text[], $3::text[], $4::timestamptz[], $5::timestamptz[],
                   $6::jsonb[], $7::jsonb[], $8::jsonb[], $9::jsonb[])
                   a (n, customer_id, event_type, start, until, without, after, no_later, taken_out)
               cross join {SUBJECTS}
               join rating.events e on e.subject = s.subject and e.type = a.event_type and e.time >= a.start
                   and e.time < a.until
                   and (a.after is null or e.batch_id > coalesce((a.after ->> e.partition::text)::bigint, 0))
                   and (a.no_later is null
                       or e.batch_id <= coalesce((a.no_later ->> e.partition::text)::bigint, 0))
                   and not {_TAKEN_OUT.format("e")}
               cross join rating.fold_state f
               where e.batch_id <= coalesce((f.watermark ->> e.partition::text)::bigint, 0) and not exists (
                   select from rating.voids v where v.key = e.key and not {_TAKEN_OUT.format("v")}
                       and v.batch_id <= coalesce((f.watermark ->> v.partition::text)::bigint, 0))""",
            [r.n for r in ranges],
            [r.customer_id for r in ranges],
            [r.event_type for r in ranges],
            [r.start for r in ranges],
            [r.end for r in ranges],
            [_without(r) for r in ranges],
            [r.after for r in ranges],
            [r.until for r in ranges],
            [r.taken_out and r.taken_out.as_stored() for r in ranges],
        )
        return [(row["n"], stored_event(row)) for row in rows]

    async def owner(self, customer: str | None, subject: str | None) -> asyncpg.Record | None:
        """The customer (customer_id, external_id, timezone) of an external id, or that a subject means."""
        return await self._connection.fetchrow(
            """select c.customer_id, c.external_id, c.timezone from rating.customers c
               where c.external_id = $1 or c.customer_id = (select customer_id from rating.subjects
                   where subject = $2)""",
            customer,
            subject,
        )

    async def last_batches(self) -> dict[int, int]:
        """Partition of usage.events → the last batch this service took from it."""
        rows = await self._connection.fetch(LAST_BATCHES)
        return {row["partition"]: row["batch_id"] for row in rows}

    async def folded(self) -> tuple[dict[str, int], datetime | None]:
        """The fold's watermark, partition (as text) → batch id, and when the newest of it was received."""
        row = await self._connection.fetchrow("select watermark, received_at from rating.fold_state")
        assert row is not None
        return row["watermark"], row["received_at"]


def _columns(ranges: Sequence[AskedRange]) -> tuple[list[Any], ...]:
    return (
        [r.n for r in ranges],
        [r.customer_id for r in ranges],
        [r.meter for r in ranges],
        [r.blank for r in ranges],
        [r.start for r in ranges],
        [r.end for r in ranges],
        [_without(r) for r in ranges],
    )


def _without(asked: AskedRange) -> msgspec.Raw | None:
    """The subjects left out, as an element of an array of jsonb."""
    return msgspec.Raw(msgspec.json.encode(asked.without)) if asked.without else None
