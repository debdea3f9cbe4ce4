"""SQL of numbers that stand for names: subjects, and series of a meter's groups."""

from collections.abc import Collection, Iterable, Sequence

import asyncpg

from services.rating.metering.domain.delta import SeriesKey
from services.rating.metering.repository.columns import joined, numbers


class NamesRepository:
    def __init__(self, connection: asyncpg.Connection) -> None:
        self._connection = connection

    async def subject_numbers(self, subjects: Collection[str]) -> dict[str, int]:
        """Subject → its number, of those that have one."""
        rows = await self._connection.fetch(
            """select subject, subject_no from rating.usage_subjects
               where subject = any(string_to_array($2, $1))""",
            *joined(list(subjects)),
        )
        return {row["subject"]: row["subject_no"] for row in rows}

    async def number_subjects(self, subjects: Iterable[str]) -> None:
        """Give these their numbers, where nobody was first. In one order, so that batches never deadlock."""
        await self._connection.execute(
            """insert into rating.usage_subjects (subject)
               select subject from unnest(string_to_array($2, $1)) s (subject) order by 1
               on conflict do nothing""",
            *joined(sorted(subjects)),
        )

    async def subjects(self, subject_numbers: Iterable[int]) -> dict[int, str]:
        """Number → subject."""
        rows = await self._connection.fetch(
            """select subject_no, subject from rating.usage_subjects
               where subject_no = any(string_to_array($1, ',')::bigint[])""",
            numbers(subject_numbers),
        )
        return {row["subject_no"]: row["subject"] for row in rows}

    async def series_numbers(self, series: Sequence[SeriesKey]) -> dict[SeriesKey, int]:
        """Series → its number, given to those that had none. One writer at a time: the epoch must be held."""
        await self._connection.execute(
            f"""insert into rating.usage_series (meter, since, grp)
                select meter, since, grp from {_SERIES} where not exists (
                    select from rating.usage_series n
                    where n.meter = s.meter and n.since = s.since and n.grp = s.grp)
                order by 1, 2, 3""",
            *_columns(series),
        )
        rows = await self._connection.fetch(
            f"""select n.meter, n.since, n.grp, n.series_no
                from {_SERIES} join rating.usage_series n using (meter, since, grp)""",
            *_columns(series),
        )
        return {(row["meter"], row["since"], row["grp"]): row["series_no"] for row in rows}

    async def named(self, series_numbers: Collection[int]) -> dict[int, tuple[str, int]]:
        """Number of a series → its meter, and since when that counts so."""
        rows = await self._connection.fetch(
            """select series_no, meter, since from rating.usage_series
               where series_no = any(string_to_array($1, ',')::bigint[])""",
            numbers(series_numbers),
        )
        return {row["series_no"]: (row["meter"], row["since"]) for row in rows}

    async def readable(self) -> dict[str, int]:
        """Meter (or `type:x`) → since when it counts as readers see it."""
        rows = await self._connection.fetch("select meter, since from rating.series_read")
        return {row["meter"]: row["since"] for row in rows}

    async def read(self, meter: str, since: int) -> None:
        """Let readers see the series of a meter since this revision, and no others of it."""
        await self._connection.execute(
            """insert into rating.series_read (meter, since) values ($1, $2)
               on conflict (meter) do update set since = excluded.since""",
            meter,
            since,
        )

    async def replaced(self, meter: str, since: int) -> None:
        """Let the items of these terms be removed once nobody reads them."""
        await self._connection.execute(
            "insert into rating.replaced_terms (meter, since) values ($1, $2) on conflict do nothing",
            meter,
            since,
        )

    async def read_types(self, types: Iterable[str]) -> None:
        """Let readers see the plain counts of these (`type:x`)."""
        await self._connection.execute(
            """insert into rating.series_read (meter, since)
               select type, 0 from unnest($1::text[]) t (type) on conflict do nothing""",
            list(types),
        )

    async def any_unread(self) -> bool:
        """Whether there are series that no reader sees, nor will: of terms that were replaced, and of types that a
        meter takes."""
        found: bool = await self._connection.fetchval(f"select exists ({_UNREAD})")
        return found

    async def unread(self, among: Iterable[int]) -> frozenset[int]:
        """Those of these series that no reader sees, nor will."""
        rows = await self._connection.fetch(
            f"{_UNREAD} and n.series_no = any(string_to_array($1, ',')::bigint[])", numbers(among)
        )
        return frozenset(row["series_no"] for row in rows)

    async def hide(self, meter: str) -> None:
        """Let readers see nothing of this meter (or `type:x`)."""
        await self._connection.execute("delete from rating.series_read where meter = $1", meter)


_UNREAD = """select n.series_no from rating.usage_series n left join rating.meters m using (meter)
    left join rating.series_read r using (meter)
    where n.since is distinct from r.since and n.since is distinct from m.counts_since"""
_SERIES = "unnest($1::text[], $2::bigint[], $3::text[]) s (meter, since, grp)"


def _columns(series: Sequence[SeriesKey]) -> tuple[list[str], list[int], list[str]]:
    return [meter for meter, _, _ in series], [since for _, since, _ in series], [grp for _, _, grp in series]
