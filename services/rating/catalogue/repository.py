"""SQL of the catalogue."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import asyncpg

from services.rating.catalogue.domain.meter import Meter
from services.rating.catalogue.rows import MeterRow, MeterVersionRow
from shared.db.columns import insert, names_of, upsert

METERS = f"select {names_of(MeterRow)} from rating.meters"
PUT_METER = upsert("rating.meters", MeterRow, key=("meter",), keep=("event_type", "created_at"))
KEEP_VERSION = insert("rating.meter_versions", MeterVersionRow)


@dataclass(frozen=True, slots=True)
class Backfill:
    """A meter's events up to `cut` (partition → batch id) are added by a job, as they stood there: what came
    after it, voids too, comes by deltas. The job has come to (`batch_id`, `seq`)."""

    meter: str
    cut: Mapping[int, int]
    batch_id: int
    seq: int

    @property
    def at_its_beginning(self) -> bool:
        return (self.batch_id, self.seq) == (0, -1)


@dataclass(frozen=True, slots=True)
class Plan:
    """A plan as it is stored: what `document` says is validated with the contract that takes it."""

    plan: str
    revision: int
    document: Mapping[str, Any]


class CatalogueRepository:
    def __init__(self, connection: asyncpg.Connection) -> None:
        self._connection = connection

    async def meters(self) -> list[Meter]:
        return [MeterRow(**row).now() for row in await self._connection.fetch(f"{METERS} order by meter")]

    async def meter(self, name: str) -> Meter | None:
        row = await self._connection.fetchrow(f"{METERS} where meter = $1", name)
        return MeterRow(**row).now() if row else None

    async def version(self, name: str, revision: int) -> Meter | None:
        """The meter as it was at a revision."""
        return next(iter(await self.versions([(name, revision)])), None)

    async def versions(self, named: Sequence[tuple[str, int]]) -> list[Meter]:
        """These meters as they were at these revisions."""
        rows = await self._connection.fetch(
            f"""select {names_of(MeterVersionRow, "v")} from rating.meter_versions v
               join unnest($1::text[], $2::bigint[]) as named (meter, revision) using (meter, revision)""",
            [meter for meter, _ in named],
            [revision for _, revision in named],
        )
        return [MeterVersionRow(**row).as_meter() for row in rows]

    async def meters_before(self) -> list[Meter]:
        """Of meters whose events are being added up anew: the version that readers see until that is done."""
        rows = await self._connection.fetch(
            f"""select distinct on (v.meter) {names_of(MeterVersionRow, "v")} from rating.series_read r
                join rating.meters m on m.meter = r.meter and m.counts_since <> r.since
                join rating.meter_versions v on v.meter = r.meter and v.counts_since = r.since
                order by v.meter, v.revision desc"""
        )
        return [MeterVersionRow(**row).as_meter() for row in rows]

    async def meters_read(self) -> dict[str, Meter]:
        """Name → the meter as its quantities are read."""
        read = [*await self.meters(), *await self.meters_before()]
        return {meter.meter: meter for meter in read}

    async def versions_since(self, since: Mapping[str, int]) -> dict[str, Meter]:
        """Name → the newest version of each of these meters that counts as it did since a revision."""
        rows = await self._connection.fetch(
            f"""select distinct on (v.meter) {names_of(MeterVersionRow, "v")} from rating.meter_versions v
                join unnest($1::text[], $2::bigint[]) s (meter, since)
                    on s.meter = v.meter and s.since = v.counts_since
                order by v.meter, v.revision desc""",
            list(since.keys()),
            list(since.values()),
        )
        return {row["meter"]: MeterVersionRow(**row).as_meter() for row in rows}

    async def versions_of(self, name: str) -> list[MeterVersionRow]:
        """All versions of a meter, the newest first."""
        rows = await self._connection.fetch(
            f"""select {names_of(MeterVersionRow)} from rating.meter_versions
                where meter = $1 order by revision desc""",
            name,
        )
        return [MeterVersionRow(**row) for row in rows]

    async def keep_version(self, meter: Meter, cut: Mapping[int, int], now: datetime) -> None:
        """Write the version down, for good; it was made behind these batches."""
        row = MeterVersionRow.of(meter, cut, now)
        await self._connection.execute(KEEP_VERSION.sql, *KEEP_VERSION.columns_of([row]))

    async def hold_page(self, after: str, limit: int) -> None:
        """Let none of these meters change until the transaction ends: those of one page, after a name."""
        await self._connection.execute(
            "select from rating.meters where meter > $1 order by meter limit $2 for share", after, limit
        )

    async def meters_page(self, after: str, limit: int) -> list[Meter]:
        return [
            MeterRow(**row).now()
            for row in await self._connection.fetch(
                f"{METERS} where meter > $1 order by meter limit $2", after, limit
            )
        ]

    async def put_meter(self, meter: Meter, created_at: datetime) -> None:
        """Insert the meter, or replace it whole (its creation time stays)."""
        row = MeterRow.of(meter, created_at)
        await self._connection.execute(PUT_METER.sql, *PUT_METER.columns_of([row]))

    async def set_backfilled(self, meter: str) -> None:
        await self._connection.execute("update rating.meters set backfilled = true where meter = $1", meter)

    async def revision(self) -> int:
        found: int = await self._connection.fetchval("select revision from rating.catalogue_state")
        return found

    async def move_revision(self, revision: int) -> None:
        """Let every consumer read the catalogue again before its next batch."""
        await self._connection.execute(
            "update rating.catalogue_state set revision = greatest(revision + 1, $1)", revision
        )

    async def plan(self, name: str) -> Plan | None:
        row = await self._connection.fetchrow(
            "select plan, revision, document from rating.plans where plan = $1", name
        )
        return Plan(*row) if row else None

    async def plans_page(self, after: str, limit: int) -> list[Plan]:
        rows = await self._connection.fetch(
            "select plan, revision, document from rating.plans where plan > $1 order by plan limit $2",
            after,
            limit,
        )
        return [Plan(*row) for row in rows]

    async def put_plan(self, plan: Plan) -> None:
        await self._connection.execute(
            """insert into rating.plans (plan, revision, document) values ($1, $2, $3)
               on conflict (plan) do update set revision = excluded.revision, document = excluded.document""",
            plan.plan,
            plan.revision,
            plan.document,
        )


def backfill_of(row: asyncpg.Record) -> Backfill:
    return Backfill(
        row["meter"],
        {int(partition): batch_id for partition, batch_id in row["cut"].items()},
        row["cursor_batch_id"],
        row["cursor_seq"],
    )
