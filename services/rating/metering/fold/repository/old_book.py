"""SQL of what was added up by rows before there were folds, until it is packed. Who holds the packed rows takes it."""

from collections.abc import Collection

import asyncpg

from services.rating.metering.domain.tally import HOUR_US, Sum, Tally
from services.rating.metering.repository.columns import joined
from shared.runtime.clock import to_us

_TABLES = ("rating.old_usage_hours", "rating.old_usage_uniques", "rating.old_usage_days")


class OldBookRepository:
    def __init__(self, connection: asyncpg.Connection) -> None:
        self._connection = connection

    async def anything_left(self) -> bool:
        """Whether a row of it is left."""
        found: bool = await self._connection.fetchval(
            f"select {' or '.join(f'exists (select from {table})' for table in _TABLES)}"
        )
        return found

    async def next_subjects(self, after: str, rows_max: int) -> list[str]:
        """Subjects behind `after`, in order, with about so many rows; none is left out between them."""
        found: set[str] = set()
        until: str | None = None
        for table in _TABLES:
            rows = await self._connection.fetch(
                f"select subject from {table} where subject > $1 order by subject limit $2", after, rows_max
            )
            found |= {row["subject"] for row in rows}
            if len(rows) == rows_max:
                last = rows[-1]["subject"]
                until = last if until is None else min(until, last)
        return sorted(subject for subject in found if until is None or subject <= until)

    async def take(self, subjects: Collection[str]) -> tuple[Tally, dict[str, int]]:
        """Delete the rows of these subjects; return what readers see of them, and since when each of its meters
        counts so."""
        names = joined(list(subjects))
        taken, since = Tally(), dict[str, int]()
        for row in await self._connection.fetch(
            _taking("old_usage_hours", "hour, o.events, trim_scale(o.value) as value"), *names
        ):
            hour = to_us(row["hour"]) // HOUR_US
            since[row["meter"]] = row["since"]
            taken.sums[row["subject"], row["meter"], row["grp"], hour] = Sum(row["events"], row["value"])
        for row in await self._connection.fetch(
            _taking("old_usage_uniques", "hour, o.item, o.events"), *names
        ):
            hour = to_us(row["hour"]) // HOUR_US
            since[row["meter"]] = row["since"]
            taken.items[row["subject"], row["meter"], row["grp"], hour, row["item"]] = row["events"]
        await self._connection.execute(
            "delete from rating.old_usage_days where subject = any(string_to_array($2, $1))", *names
        )
        return taken, since


def _taking(table: str, columns: str) -> str:
    """What no reader sees goes too, and is not returned."""
    return f"""with o as (delete from rating.{table} where subject = any(string_to_array($2, $1)) returning *)
        select o.subject, o.meter, o.grp, o.{columns}, r.since from o join rating.series_read r using (meter)"""
