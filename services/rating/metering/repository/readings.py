"""SQL of readings: items and raw events of many customers, meters and ranges in one statement each."""

from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple

import asyncpg
import msgspec

from services.rating.metering.domain.aggregations.aggregation import OverItems
from services.rating.metering.domain.group import OTHER, GroupKey
from services.rating.metering.domain.stretches import Stretches
from services.rating.metering.repository.batches import is_in
from services.rating.metering.repository.usage import StoredEvent, stored_event

#: Events that are in memory at once.
EVENTS_MAX = 2_000


class AskedRange(NamedTuple):
    """Need number `n`: a customer's usage of a meter in [start, end), these subjects left out: by group,
    `blank` being the group that `other` is read as, or as a whole.

    Of raw events only: `among`, those that came in these batches; None: all. `out`: what came in these batches is left
    out, `voids_out`: what was taken back in these counts all the same.
    """

    n: int
    customer_id: str
    meter: str
    blank: GroupKey | None
    start: datetime
    end: datetime
    event_type: str
    without: tuple[str, ...] = ()
    among: Stretches | None = None
    out: Stretches | None = None
    voids_out: Stretches | None = None


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


_EVENTS = """unnest($1::int[], $2::text[], $3::text[], $4::timestamptz[], $5::timestamptz[], $6::jsonb[], $7::jsonb[],
        $8::jsonb[], $9::jsonb[]) a (n, customer_id, event_type, start, until, without, among, out, voids_out)"""


def _is_out(row: str, stretches: str) -> str:
    """SQL: whether a row of events or voids is in stretches of its range, which may be null: none."""
    return f"({stretches} is not null and {is_in(stretches, row)})"


#: Of an event that is folded, the void that is folded too.
_VOIDED = """exists (select from rating.voids v where v.key = e.key
    and v.batch_id <= coalesce((f.watermark ->> v.partition::text)::bigint, 0){0})"""
_OUT, _VOID_OUT = _is_out("e", "a.out"), _is_out("v", "a.voids_out")
#: Whether an event counts.
_COUNTS = f"""((a.among is null or {is_in("a.among", "e")}) and not {_OUT}
    and not {_VOIDED.format(f" and not {_VOID_OUT}")})"""
#: Whether aggregates have an event and it does not count, or the other way round.
_DIFFERS = f"""case when {_OUT} then not {_VOIDED.format("")} else a.voids_out is not null
    and {_VOIDED.format(f" and {_VOID_OUT}")} end"""
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

    async def raw_events(self, ranges: Sequence[AskedRange]) -> AsyncIterator[list[tuple[int, StoredEvent]]]:
        """Yield (n, event), some at a time, for the events of the ranges' type that are not void, both as far as they
        are folded."""
        async for rows in self._events("true", _COUNTS, ranges):
            yield [(row["n"], stored_event(row)) for row in rows]

    async def differences(
        self, ranges: Sequence[AskedRange]
    ) -> AsyncIterator[list[tuple[int, StoredEvent, int]]]:
        """Yield (n, event, sign), some at a time, for the events of the ranges' type that aggregates have and that are
        out (-1), and those that they have no more and whose void is out (1)."""
        async for rows in self._events(f"not {_OUT}", _DIFFERS, ranges):
            yield [(row["n"], stored_event(row), 1 if row["added"] else -1) for row in rows]

    async def _events(
        self, added: str, condition: str, ranges: Sequence[AskedRange]
    ) -> AsyncIterator[list[asyncpg.Record]]:
        """Yield the events of the ranges that are folded and meet a condition."""
        rows: list[asyncpg.Record] = []
        async for row in self._connection.cursor(
            f"""select a.n, e.key, e.partition, e.batch_id, e.seq, e.type, e.subject, e.time,
                e.data::text as body, {added} as added
               from {_EVENTS} cross join {SUBJECTS}
               join rating.events e on e.subject = s.subject and e.type = a.event_type and e.time >= a.start
                   and e.time < a.until
               cross join rating.fold_state f
               where e.batch_id <= coalesce((f.watermark ->> e.partition::text)::bigint, 0) and {condition}""",
            *_events_columns(ranges),
            prefetch=EVENTS_MAX,
        ):
            rows.append(row)
            if len(rows) == EVENTS_MAX:
                yield rows
                rows = []
        if rows:
            yield rows

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


def _events_columns(ranges: Sequence[AskedRange]) -> tuple[list[Any], ...]:
    return (
        [r.n for r in ranges],
        [r.customer_id for r in ranges],
        [r.event_type for r in ranges],
        [r.start for r in ranges],
        [r.end for r in ranges],
        [_without(r) for r in ranges],
        [r.among and r.among.as_stored() for r in ranges],
        [r.out and r.out.as_stored() for r in ranges],
        [r.voids_out and r.voids_out.as_stored() for r in ranges],
    )


def _without(asked: AskedRange) -> msgspec.Raw | None:
    """The subjects left out, as an element of an array of jsonb."""
    return msgspec.Raw(msgspec.json.encode(asked.without)) if asked.without else None
