"""SQL of the aggregates: counters by hour and day, items of unique meters, and the groups of a meter."""

from collections.abc import Iterable, Mapping
from datetime import date, datetime

import asyncpg

from services.rating.metering.domain.group import Group
from services.rating.metering.domain.tally import HourKey, Sum, Tally
from shared.clock import from_us

ADD_TO = """
insert into rating.usage_{table} as u (subject, meter, grp, {bucket}, events, value)
select * from unnest($1::text[], $2::text[], $3::text[], $4::{kind}[], $5::bigint[], $6::numeric[])
on conflict (subject, meter, grp, {bucket}) do update set events = u.events + excluded.events, value = u.value + excluded.value
"""
ADD_TO_HOURS = ADD_TO.format(table="hours", bucket="hour", kind="timestamptz")
ADD_TO_DAYS = ADD_TO.format(table="days", bucket="day", kind="date")
ADD_TO_UNIQUES = """
insert into rating.usage_uniques as u (subject, meter, grp, hour, item, events)
select * from unnest($1::text[], $2::text[], $3::text[], $4::timestamptz[], $5::text[], $6::int[])
on conflict (subject, meter, grp, hour, item) do update set events = u.events + excluded.events
"""


class AggregatesRepository:
    def __init__(self, connection: asyncpg.Connection) -> None:
        self._connection = connection

    async def add(self, tally: Tally) -> None:
        """Add a tally. Rows go in key order and tables in one order, so that consumers never deadlock."""
        await self._add_sums(ADD_TO_HOURS, tally.hours, days=False)
        await self._add_sums(ADD_TO_DAYS, tally.days(), days=True)
        await self._add_uniques(tally)

    async def _add_sums(self, statement: str, sums: Mapping[HourKey, Sum], *, days: bool) -> None:
        if not sums:
            return
        keys = sorted(sums)
        instants: dict[int, datetime | date] = {bucket: from_us(bucket).date() if days else from_us(bucket) for bucket in {key[3] for key in keys}}
        found = [sums[key] for key in keys]
        await self._connection.execute(
            statement, [key[0] for key in keys], [key[1] for key in keys], [key[2] for key in keys], [instants[key[3]] for key in keys],
            [events for events, _ in found], [value for _, value in found],
        )

    async def _add_uniques(self, tally: Tally) -> None:
        if not tally.uniques:
            return
        keys = sorted(tally.uniques)
        instants = {hour: from_us(hour) for hour in {key[3] for key in keys}}
        counts = [tally.uniques[key] for key in keys]
        columns = (
            [key[0] for key in keys], [key[1] for key in keys], [key[2] for key in keys],
            [instants[key[3]] for key in keys], [key[4] for key in keys],
        )
        await self._connection.execute(ADD_TO_UNIQUES, *columns, counts)
        if min(counts) < 0:
            await self._connection.execute(
                """delete from rating.usage_uniques u using unnest($1::text[], $2::text[], $3::text[], $4::timestamptz[], $5::text[])
                       v (subject, meter, grp, hour, item)
                   where (u.subject, u.meter, u.grp, u.hour, u.item) = (v.subject, v.meter, v.grp, v.hour, v.item) and u.events = 0""",
                *columns,
            )

    async def lock_groups(self, meter: str, month: date) -> None:
        """Let one transaction at a time add groups to a meter's month."""
        await self._connection.execute("select pg_advisory_xact_lock(hashtextextended($1, 7))", f"groups {meter} {month}")

    async def meter_groups(self, meter: str, month: date) -> set[Group]:
        """Groups of the meter over all subjects; OTHER among them says that there are too many to look at subjects no more."""
        rows = await self._connection.fetch("select grp from rating.meter_groups where meter = $1 and month = $2", meter, month)
        return {row["grp"] for row in rows}

    async def add_meter_groups(self, meter: str, month: date, groups: Iterable[Group]) -> None:
        await self._connection.execute(
            "insert into rating.meter_groups select $1, $2, unnest($3::text[]) on conflict do nothing", meter, month, sorted(groups))

    async def groups_of(self, table: str, meter: str, month: date, subjects: Iterable[str]) -> dict[str, set[Group]]:
        """Subject → the groups it has rows of in this UTC month. `table`: usage_days or usage_uniques."""
        bucket = {"usage_days": "day", "usage_uniques": "hour"}[table]
        rows = await self._connection.fetch(
            f"""select distinct subject, grp from rating.{table}
                where subject = any($1::text[]) and meter = $2 and {bucket} >= $3::date and {bucket} < $3::date + interval '1 month'""",
            sorted(subjects), meter, month,
        )
        found: dict[str, set[Group]] = {}
        for row in rows:
            found.setdefault(row["subject"], set()).add(row["grp"])
        return found


