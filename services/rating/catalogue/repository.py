"""SQL of the catalogue."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import asyncpg

from services.rating.catalogue.domain.meter import ListPrice, Meter
from services.rating.metering.domain.aggregations.offered import AGGREGATIONS

METERS = """select meter, revision, event_type, aggregation, field, missing, group_by, filters, list_currency,
    list_unit, role, heartbeat_s,
    created_at, backfilled, counts_since from rating.meters"""


@dataclass(frozen=True, slots=True)
class Backfill:
    """A meter's events up to `cut` (partition → batch id) are added by a job, which has come to (`batch_id`,
    `seq`)."""

    meter: str
    cut: Mapping[int, int]
    batch_id: int
    seq: int

    def will_reach(self, partition: int, batch_id: int, seq: int) -> bool:
        """Whether this event is the job's, and still ahead of it."""
        return batch_id <= self.cut.get(partition, 0) and (batch_id, seq) > (self.batch_id, self.seq)


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
        return [meter_of_row(row) for row in await self._connection.fetch(f"{METERS} order by meter")]

    async def meter(self, name: str) -> Meter | None:
        row = await self._connection.fetchrow(f"{METERS} where meter = $1", name)
        return meter_of_row(row) if row else None

    async def version(self, name: str, revision: int) -> Meter | None:
        """The meter as it was at a revision."""
        return next(iter(await self.versions([(name, revision)])), None)

    async def versions(self, named: Sequence[tuple[str, int]]) -> list[Meter]:
        """These meters as they were at these revisions."""
        rows = await self._connection.fetch(
            """select v.* from rating.meter_versions v
               join unnest($1::text[], $2::bigint[]) as named (meter, revision) using (meter, revision)""",
            [meter for meter, _ in named],
            [revision for _, revision in named],
        )
        return [meter_of_row(row) for row in rows]

    async def revisions(self, meters: Sequence[str]) -> dict[str, int]:
        """Meter → its revision now, of those there are."""
        rows = await self._connection.fetch(
            "select meter, revision from rating.meters where meter = any($1::text[])", list(meters)
        )
        return {row["meter"]: row["revision"] for row in rows}

    async def versions_of(self, name: str) -> list[asyncpg.Record]:
        """All versions of a meter, the newest first."""
        return await self._connection.fetch(
            "select * from rating.meter_versions where meter = $1 order by revision desc", name
        )

    async def keep_version(self, meter: Meter, cut: Mapping[int, int], now: datetime) -> None:
        """Write the version down, for good; it was made behind these batches."""
        price = meter.list_price
        await self._connection.execute(
            """insert into rating.meter_versions (meter, revision, event_type, aggregation, field, missing,
                group_by, filters, list_currency,
                   list_unit, role, heartbeat_s, cut, recorded_at, counts_since)
               values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)""",
            meter.meter,
            meter.revision,
            meter.event_type,
            meter.aggregation.name,
            meter.field,
            meter.missing,
            list(meter.group_by),
            {name: list(values) for name, values in meter.filters.items()},
            price.currency if price else None,
            price.unit if price else None,
            meter.role,
            meter.heartbeat_s,
            {str(partition): batch_id for partition, batch_id in cut.items()},
            now,
            meter.counts_since,
        )

    async def meters_page(self, after: str, limit: int) -> list[Meter]:
        return [
            meter_of_row(row)
            for row in await self._connection.fetch(
                f"{METERS} where meter > $1 order by meter limit $2", after, limit
            )
        ]

    async def put_meter(self, meter: Meter, created_at: datetime) -> None:
        """Insert the meter, or replace it whole (its creation time stays)."""
        price = meter.list_price
        await self._connection.execute(
            """insert into rating.meters (meter, revision, event_type, aggregation, field, missing, group_by,
                filters, list_currency, list_unit, role,
                   heartbeat_s, created_at, backfilled, counts_since)
               values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)
               on conflict (meter) do update set revision = excluded.revision,
                   aggregation = excluded.aggregation,
                   field = excluded.field, missing = excluded.missing, group_by = excluded.group_by,
                       filters = excluded.filters,
                   list_currency = excluded.list_currency, list_unit = excluded.list_unit,
                       role = excluded.role, heartbeat_s = excluded.heartbeat_s,
                   backfilled = excluded.backfilled, counts_since = excluded.counts_since""",
            meter.meter,
            meter.revision,
            meter.event_type,
            meter.aggregation.name,
            meter.field,
            meter.missing,
            list(meter.group_by),
            {name: list(values) for name, values in meter.filters.items()},
            price.currency if price else None,
            price.unit if price else None,
            meter.role,
            meter.heartbeat_s,
            created_at,
            meter.backfilled,
            meter.counts_since,
        )

    async def set_backfilled(self, meter: str) -> None:
        await self._connection.execute("update rating.meters set backfilled = true where meter = $1", meter)

    async def move_revision(self, revision: int) -> None:
        """Let every consumer read the catalogue again before its next batch."""
        await self._connection.execute(
            "update rating.catalogue_state set revision = greatest(revision + 1, $1)", revision
        )

    async def running_backfills(self) -> list[Backfill]:
        """Back-fills under way, held still until the transaction ends."""
        rows = await self._connection.fetch(
            "select meter, cut, cursor_batch_id, cursor_seq from rating.backfills where finished_at is null order by meter for share"
        )
        return [backfill_of(row) for row in rows]

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


def backfill_of(row: Any) -> Backfill:
    return Backfill(
        row["meter"],
        {int(partition): batch_id for partition, batch_id in row["cut"].items()},
        row["cursor_batch_id"],
        row["cursor_seq"],
    )


def meter_of_row(row: Any) -> Meter:
    price = ListPrice(row["list_currency"], row["list_unit"]) if row["list_currency"] else None
    return Meter(
        meter=row["meter"],
        event_type=row["event_type"],
        aggregation=AGGREGATIONS[row["aggregation"]],
        field=row["field"],
        filters={name: tuple(values) for name, values in row["filters"].items()},
        group_by=tuple(row["group_by"]),
        missing=row["missing"],
        list_price=price,
        role=row["role"],
        heartbeat_s=row["heartbeat_s"],
        revision=row["revision"],
        backfilled=row.get("backfilled", True),
        counts_since=row["counts_since"],
    )
