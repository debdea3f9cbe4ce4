"""The catalogue as tests set it up, and the aggregates as a test reads them back."""

import asyncio
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from alembic import command

from services.rating.catalogue.requests import MeterTerms
from services.rating.catalogue.usecases import change_meter, create_meter
from services.rating.metering.backfill.usecases import backfill_step
from services.rating.metering.fold.memory import FoldMemory
from services.rating.metering.fold.usecases.add_changes import Holding
from services.rating.metering.fold.usecases.fold import folding
from shared.db.unit_of_work import Database
from shared.postgres.migrations import _config
from tests.conftest import TestDatabase
from tests.services.rating.metering.batches import NOW

CALLS = {"event_type": "api.call", "aggregation": "count", "group_by": ["region"]}
SECONDS = {"event_type": "api.call", "aggregation": "sum", "field": "seconds", "group_by": ["plan", "region"]}
USERS = {"event_type": "api.call", "aggregation": "unique", "field": "user", "group_by": ["region"]}

#: For an administrator: everything metered is gone, the catalogue stays.
FORGET = """truncate rating.event_keys, rating.events, rating.voids, rating.conflicts, rating.duplicates,
    rating.usage_deltas, rating.usage_packed_hours, rating.usage_packed_days, rating.usage_items,
    rating.admitted_groups, rating.group_limits, rating.marks, rating.activity_due, rating.event_types, rating.batch_times,
    bus.batches;
    update rating.fold_state set epoch = epoch + 1, watermark = '{}', rolled_before = default,
        rolling_before = default, rolling_subject = default"""

#: What was folded becomes what was added up by rows; who remembers packed rows forgets them.
OF_BEFORE = """
    update rating.fold_state set epoch = epoch + 1;
    insert into rating.old_usage_hours (subject, meter, grp, hour, events, value)
        select subject, meter, grp, hour, events, value from rating.usage_hours;
    insert into rating.old_usage_days (subject, meter, grp, day, events, value)
        select subject, meter, grp, day, events, value from rating.usage_days;
    insert into rating.old_usage_uniques (subject, meter, grp, hour, item, events)
        select subject, meter, grp, hour, item, events from rating.usage_uniques;
    delete from rating.usage_packed_hours;
    delete from rating.usage_packed_days;
    delete from rating.usage_items;
"""


async def downgraded(database: TestDatabase, revision: str) -> None:
    """Lead rating's schema back to what it was at that revision."""
    config = _config("rating", database.url("rating"), database.secret)
    await asyncio.to_thread(command.downgrade, config, revision)


async def meter(db: Database, name: str, **terms: Any) -> None:
    """Create a meter."""
    async with db.transaction() as uow:
        await create_meter(uow, name, MeterTerms.model_validate(terms), NOW, groups_max=1000)


async def changed(db: Database, name: str, **terms: Any) -> None:
    async with db.transaction() as uow:
        await change_meter(uow, name, MeterTerms.model_validate(terms), NOW, groups_max=1000)


async def backfilled(db: Database, *, events_max: int = 3, groups_max: int = 1000) -> int:
    """Run all back-fills to their end; return the number of steps."""
    steps, memory = 0, FoldMemory(groups_max)
    while True:
        async with folding(db, memory) as (uow, claim):
            if not await backfill_step(uow, Holding(memory, claim.rolled_up), NOW, events_max=events_max):
                return steps
        steps += 1


@dataclass(frozen=True)
class Aggregates:
    """All aggregates that are not zero."""

    hours: dict[tuple[str, str, str, datetime], tuple[int, Decimal]] = field(default_factory=dict)
    days: dict[tuple[str, str, str, Any], tuple[int, Decimal]] = field(default_factory=dict)
    uniques: dict[tuple[str, str, str, datetime, str], int] = field(default_factory=dict)


async def aggregates(db: Database) -> Aggregates:
    async with db.pool.acquire() as connection:
        hours = await connection.fetch("select * from rating.usage_hours where events <> 0 or value <> 0")
        days = await connection.fetch("select * from rating.usage_days where events <> 0 or value <> 0")
        uniques = await connection.fetch("select * from rating.usage_uniques")
    return Aggregates(
        {
            (r["subject"], r["meter"], r["grp"], r["hour"]): (r["events"], r["value"].normalize())
            for r in hours
        },
        {(r["subject"], r["meter"], r["grp"], r["day"]): (r["events"], r["value"].normalize()) for r in days},
        {(r["subject"], r["meter"], r["grp"], r["hour"], r["item"]): r["events"] for r in uniques},
    )


async def rows(db: Database, statement: str, *arguments: Any) -> list[dict[str, Any]]:
    async with db.pool.acquire() as connection:
        return [dict(row) for row in await connection.fetch(statement, *arguments)]
