"""SQL of admission: rows of admitted groups, and the values that contracts name. Who holds the epoch of the fold
adds rows."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime

import asyncpg

from services.rating.catalogue.domain.meter import Meter
from services.rating.metering.domain.admission import EVERYONE, Admission, MeterMonth, Names, Own
from services.rating.metering.domain.group import NO_GROUP, OTHER, GroupKey
from shared.values.period import month_after

#: The groups that a meter has counted a month's usage in, by subject; rows of before the fold are of the terms that
#: readers see.
_COUNTED = """
    select s.subject, n.grp from rating.usage_packed_hours p join rating.usage_subjects s using (subject_no)
    cross join lateral unnest(p.series) u (series_no) join rating.usage_series n using (series_no)
    where n.meter = $1 and n.since = $2 and p.hour >= $3 and p.hour < $4
    union
    select s.subject, n.grp from rating.usage_items p join rating.usage_subjects s using (subject_no)
    join rating.usage_series n using (series_no)
    where n.meter = $1 and n.since = $2 and p.hour >= $3 and p.hour < $4
    union
    select o.subject, o.grp from (
        select subject, meter, grp, hour from rating.old_usage_hours
        union all select subject, meter, grp, hour from rating.old_usage_uniques) o
    join rating.series_read r on r.meter = o.meter and r.since = $2
    where o.meter = $1 and o.hour >= $3 and o.hour < $4
"""


class AdmissionRepository:
    def __init__(self, connection: asyncpg.Connection) -> None:
        self._connection = connection

    async def names(self) -> Names:
        values: dict[str, dict[tuple[str, str], int]] = {}
        for row in await self._connection.fetch(
            "select meter, dimension, value, since_batch from rating.named_values"
        ):
            values.setdefault(row["meter"], {})[row["dimension"], row["value"]] = row["since_batch"]
        return Names(values)

    async def crowded(self, meters: Mapping[str, Meter], places: Iterable[MeterMonth]) -> set[MeterMonth]:
        """Those of these months in which each subject has rows of its own."""
        asked = sorted(places)
        rows = await self._connection.fetch(
            f"""select a.meter, a.month from unnest($1::text[], $2::bigint[], $3::date[]) p
                (meter, meter_revision, month)
               join rating.admitted_groups a using (meter, meter_revision, month)
                   where a.subject = '{EVERYONE}' and a.grp = $4""",
            [meter for meter, _ in asked],
            [meters[meter].counts_since for meter, _ in asked],
            [month for _, month in asked],
            OTHER,
        )
        return {(row["meter"], row["month"]) for row in rows}

    async def crowded_months(self, meters: Iterable[Meter]) -> set[MeterMonth]:
        """All crowded months of these meters."""
        asked = list(meters)
        rows = await self._connection.fetch(
            f"""select a.meter, a.month from unnest($1::text[], $2::bigint[]) p (meter, meter_revision)
               join rating.admitted_groups a using (meter, meter_revision)
                   where a.subject = '{EVERYONE}' and a.grp = $3""",
            [meter.meter for meter in asked],
            [meter.counts_since for meter in asked],
            OTHER,
        )
        return {(row["meter"], row["month"]) for row in rows}

    async def rows(self, meter: Meter, month: date, subjects: Iterable[str]) -> dict[str, Own]:
        """The rows of these subjects (EVERYONE is one), each of them an entry."""
        asked = sorted(subjects)
        found = {subject: Own() for subject in asked}
        for row in await self._connection.fetch(
            """select subject, grp, since_batch from rating.admitted_groups
               where meter = $1 and meter_revision = $2 and month = $3 and subject = any($4::text[])""",
            meter.meter,
            meter.counts_since,
            month,
            asked,
        ):
            if row["grp"] == OTHER:
                found[row["subject"]].other_since = row["since_batch"]
            else:
                found[row["subject"]].groups.add(row["grp"])
        return found

    async def admit(
        self,
        meter: Meter,
        month: date,
        admitted: Sequence[tuple[str, GroupKey]],
        since_batch: int,
        groups_max: int,
    ) -> None:
        """Add rows (subject, group); a row of OTHER says that something was turned away. The limit they were
        given room by is kept beside."""
        await self._connection.execute(
            """with room as (insert into rating.group_limits (groups_max) values ($7) on conflict do nothing)
               insert into rating.admitted_groups (meter, meter_revision, month, subject, grp, since_batch)
               select $1, $2, $3, subject, grp, $4 from unnest($5::text[], $6::text[]) a (subject, grp)
                   order by subject, grp
               on conflict do nothing""",
            meter.meter,
            meter.counts_since,
            month,
            since_batch,
            [subject for subject, _ in admitted],
            [group for _, group in admitted],
            groups_max,
        )

    async def admit_named(
        self, meter: Meter, month: date, subject: str, groups: Sequence[GroupKey], since_batch: int
    ) -> None:
        """Add rows that need no room, and let `other` say that names up to this batch are reckoned with: what
        has no row was never turned away."""
        await self._connection.execute(
            """with reckoned as (
                   update rating.admitted_groups set since_batch = $5
                   where (meter, meter_revision, month, subject, grp) = ($1, $2, $3, $4, $7)
                       and since_batch < $5)
               insert into rating.admitted_groups (meter, meter_revision, month, subject, grp, since_batch)
               select $1, $2, $3, $4, grp, $5 from unnest($6::text[]) grp""",
            meter.meter,
            meter.counts_since,
            month,
            subject,
            since_batch,
            groups,
            OTHER,
        )

    async def admit_what_is_counted(self, meter: Meter, month: date, since_batch: int) -> None:
        """Give each subject rows of its own for what it has been counted in."""
        start = datetime(month.year, month.month, 1, tzinfo=UTC)
        await self._connection.execute(
            f"""insert into rating.admitted_groups (meter, meter_revision, month, subject, grp, since_batch)
               select $1, $2, $5, c.subject, c.grp, $6 from ({_COUNTED}) c
               where c.grp <> $7
               on conflict do nothing""",
            meter.meter,
            meter.counts_since,
            start,
            month_after(start),
            month,
            since_batch,
            NO_GROUP,
        )

    async def admission(self, meters: Iterable[Meter], subjects: Iterable[str]) -> Admission:
        """What the caller's snapshot says of these meters and subjects, in every month."""
        known, asked = {meter.meter: meter for meter in meters}, set(subjects)
        return Admission(
            {
                (meter, month): await self.rows(known[meter], month, asked)
                for meter, month in sorted(await self.crowded_months(known.values()))
            }
        )
