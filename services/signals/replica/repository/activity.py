"""All SQL of activity and of its roll-ups."""

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal

import asyncpg
import msgspec

from services.signals.domain.active_day import ActiveDay, DayKey, Hour
from services.signals.domain.rollup import Rollup
from services.signals.replica.rows import (
    ActiveDayRow,
    CustomerDayRow,
    MeterSeenRow,
    ReplicatedActivity,
    ReplicatedItems,
    RollupRow,
)
from shared.db.columns import update, upsert
from shared.db.filters import Where
from shared.runtime.clock import to_us

#: One writer at a time: a subject that becomes a customer's alias moves to another partition.
LOCK = 0x7532632061637469
DAY = ("subject", "meter", "day")
STORE = upsert("signals.activity", ReplicatedActivity, key=DAY)
STORE_ITEMS = update("signals.activity", ReplicatedItems, key=DAY)
STORE_ROLLUPS = upsert("signals.rollups", RollupRow, key=("customer_id", "meter"))
RollupKey = tuple[str, str]
#: What the index `activity_waiting` holds.
WAITING = "not folded and (customer_id is not null or rolled_customer_id is not null)"
FORGET_ROLLUPS = (
    "delete from signals.rollups where customer_id = any($1)",
    "update signals.activity set folded = false where customer_id = any($1) and folded",
    """update signals.activity set rolled_hours = null, rolled_customer_id = null
        where rolled_customer_id = any($1)""",
)


class ActivityRepository:
    def __init__(self, connection: asyncpg.Connection) -> None:
        self._connection = connection

    async def lock(self) -> None:
        """Be the only one that folds activity, until the transaction ends."""
        await self._connection.execute("select pg_advisory_xact_lock($1)", LOCK)

    async def known(self, keys: Sequence[DayKey]) -> dict[DayKey, ActiveDay]:
        rows = await self._connection.fetch(
            f"""select {_COLUMNS} from unnest($1::text[], $2::text[], $3::date[]) as asked
                (subject, meter, day)
                join signals.activity using (subject, meter, day)""",
            *_asked(keys),
        )
        days = map(_active_day, rows)
        return {day.key: day for day in days}

    async def waiting(self, limit: int) -> list[ActiveDay]:
        """Days that the roll-ups do not have as they are: of customers that are heard of, or to be taken from the
        roll-up of one."""
        rows = await self._connection.fetch(
            f"""select {_COLUMNS} from signals.activity a where {WAITING}
                and (rolled_customer_id is not null
                    or exists (select from signals.customers c where c.customer_id = a.customer_id))
                order by customer_id, day limit $1""",
            limit,
        )
        return list(map(_active_day, rows))

    async def store(self, days: Sequence[ActiveDay]) -> None:
        rows = list(map(ReplicatedActivity.of, days))
        await self._connection.execute(STORE.sql, *STORE.columns_of(rows))
        items = [
            ReplicatedItems(*day.key, items=",".join(day.items)) for day in days if day.items is not None
        ]
        if items:
            await self._connection.execute(STORE_ITEMS.sql, *STORE_ITEMS.columns_of(items))

    async def note_folded(self, days: Sequence[ActiveDay], folded: Sequence[bool]) -> None:
        """The roll-ups have these days as they are; `folded`: or, where its customer is not heard of, nothing of
        them any more."""
        await self._connection.execute(
            """update signals.activity a set folded = done.folded, rolled_hours = null, rolled_customer_id = null
                from unnest($1::text[], $2::text[], $3::date[], $4::boolean[]) as done
                    (subject, meter, day, folded)
               where a.subject = done.subject and a.meter = done.meter and a.day = done.day""",
            *_asked([day.key for day in days]),
            folded,
        )

    async def forget_rollups(self, customer_ids: Sequence[str]) -> None:
        """Begin these customers' roll-ups again from what was heard, as after a change of time zone."""
        for statement in FORGET_ROLLUPS:
            await self._connection.execute(statement, list(customer_ids))

    async def rollups(self, keys: Sequence[RollupKey]) -> dict[RollupKey, Rollup]:
        rows = await self._connection.fetch(
            """select r.* from unnest($1::text[], $2::text[]) as asked (customer_id, meter)
                join signals.rollups r using (customer_id, meter)""",
            [customer for customer, _ in keys],
            [meter for _, meter in keys],
        )
        return {(row["customer_id"], row["meter"]): rollup_of(row) for row in rows}

    async def rollups_of(self, customer_ids: Sequence[str]) -> list[tuple[str, Rollup]]:
        """One row a customer and metric family."""
        rows = await self._connection.fetch(
            "select * from signals.rollups where customer_id = any($1)", list(customer_ids)
        )
        return [(row["customer_id"], rollup_of(row)) for row in rows]

    async def store_rollups(self, rollups: Mapping[RollupKey, Rollup]) -> None:
        rows = [RollupRow.of(customer, rollups[customer, meter]) for customer, meter in sorted(rollups)]
        await self._connection.execute(STORE_ROLLUPS.sql, *STORE_ROLLUPS.columns_of(rows))

    async def days(self, customer_id: str, meter: str | None, first: date, end: date) -> list[ActiveDayRow]:
        """Events by meter and UTC day in [first, end): the evidence of what is said of a customer."""
        where = Where("customer_id = $1 and day >= $2 and day < $3", (customer_id, first, end))
        where = where.also("meter = {}", meter)
        rows = await self._connection.fetch(
            f"""select meter, day, max(last_seen_at) as last_seen_at, sum(hour.events)::bigint as events
               from signals.activity cross join lateral (
                   select coalesce(sum((value->>0)::bigint), 0) as events from jsonb_each(hours)) hour
               where {where.sql} group by meter, day order by day, meter""",
            *where.parameters,
        )
        return [ActiveDayRow(**row) for row in rows]

    async def history(self) -> list[CustomerDayRow]:
        """Every customer's events by meter and UTC day."""
        rows = await self._connection.fetch(
            """select c.external_id as customer, a.meter, a.day, sum(hour.events)::bigint as events
               from signals.activity a join signals.customers c using (customer_id) cross join lateral (
                   select coalesce(sum((value->>0)::bigint), 0) as events from jsonb_each(a.hours)) hour
                       group by 1, 2, 3"""
        )
        return [CustomerDayRow(**row) for row in rows]

    async def last_seen(self, customer_id: str) -> list[MeterSeenRow]:
        """Per meter: the newest event's time and how many days had any."""
        rows = await self._connection.fetch(
            """select meter, max(last_seen_at) as last_seen_at,
                    count(distinct day) filter (where jsonb_path_exists(hours, '$.*[0] ? (@ > 0)')) as active_days
               from signals.activity where customer_id = $1 group by meter order by meter""",
            customer_id,
        )
        return [MeterSeenRow(**row) for row in rows]


_COLUMNS = """subject, meter, day, revision, customer_id, hours::text, last_seen_at, items_revision, folded,
    rolled_hours::text, rolled_customer_id"""


def _asked(keys: Sequence[DayKey]) -> tuple[list[str], list[str], list[date]]:
    return [subject for subject, _, _ in keys], [meter for _, meter, _ in keys], [day for _, _, day in keys]


def _active_day(row: asyncpg.Record) -> ActiveDay:
    subject, meter, day, revision, customer_id, hours, seen_at, items_revision, folded, rolled, rolled_of = (
        row
    )
    return ActiveDay(
        subject,
        meter,
        day,
        revision,
        customer_id,
        _hours.decode(hours),
        to_us(seen_at),
        items_revision,
        folded,
        _hours.decode(rolled) if rolled is not None else None,
        rolled_of,
    )


def rollup_of(row: asyncpg.Record) -> Rollup:
    return Rollup(
        row["meter"],
        row["days_from"],
        row["weeks_from"],
        row["days"],
        _decoder.decode(row["day_values"]),
        row["weeks"],
        row["total"],
        row["last_seen_us"],
        row["gone_on"],
    )


_decoder = msgspec.json.Decoder(list[Decimal])
_hours = msgspec.json.Decoder(dict[str, Hour])
