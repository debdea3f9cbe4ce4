"""Tells every snapshot of a service once more, under the key it has today: for whoever lost it, and for
topics that a broker has compacted.

A topic whose row in `retold` is missing is told from the beginning, page by page, each page with the place it
ends at in one transaction: who dies goes on there. That is so once after the upgrade that brought the table,
and again whenever a person deletes the row. A page reads one snapshot and holds the rows it tells until it
commits. Nothing newer can then be told before it and lie below it on the topic, where the last record of a
key is what stays.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

import asyncpg
import structlog

from shared.db.unit_of_work import Database, UnitOfWork
from shared.runtime.context import AnyContext
from shared.runtime.jobs import Job
from shared.topics import Topic

log = structlog.get_logger()
LOOK_EVERY_S = 10.0
#: What waits for the relay already: the next page waits for it.
OUTBOX_MAX_ROWS = 2000
BEGIN = "insert into {schema}.retold (topic) select * from unnest($1::text[]) on conflict do nothing"
UNDONE = "select topic from {schema}.retold where topic = any($1) and done_at is null"
CLAIM = "select after from {schema}.retold where topic = $1 and done_at is null for update skip locked"
MOVE = """update {schema}.retold set told = told + $3, after = coalesce($2, after), done_at = case
    when $2::jsonb is null then clock_timestamp() end
    where topic = $1"""
FULL = "select count(*) >= $1 from (select from {schema}.outbox limit $1) waiting"
#: What follows the last one told, as JSON; None: nothing is left.
Place = Any


@dataclass(frozen=True, slots=True)
class Snapshots:
    """What is said of one topic. `page` tells what comes after a place (None: from the beginning); it returns
    how many, and the place they end at."""

    topic: Topic
    page: Callable[[UnitOfWork, Place], Awaitable[tuple[int, Place]]]


def retelling(snapshots: Sequence[Snapshots]) -> Job[AnyContext]:
    """The job that tells them again where that is due."""

    async def run(context: AnyContext) -> None:
        await retell(context.db, snapshots)

    return Job("retelling", LOOK_EVERY_S, run, follows_clock=False)


async def retell(db: Database, snapshots: Sequence[Snapshots]) -> None:
    """Tell what is due as long as the relay keeps up. Several processes share the work; which of them does it
    does not matter."""
    topics = [each.topic.name for each in snapshots]
    await db.pool.execute(BEGIN.format(schema=db.schema), topics)
    undone = {row["topic"] for row in await db.pool.fetch(UNDONE.format(schema=db.schema), topics)}
    for each in snapshots:
        while each.topic.name in undone and await _step(db, each):
            pass


async def tell_all_again(connection: asyncpg.Connection, schema: str) -> None:
    """Have the service of this schema tell all its snapshots from the beginning, as soon as it runs."""
    await connection.execute(f"delete from {schema}.retold")


async def _step(db: Database, snapshots: Snapshots) -> bool:
    """Tell one page; False when none is left, another process has the topic, or the relay is behind."""
    async with db.transaction(isolation="repeatable_read") as uow:
        claimed = await uow.connection.fetchrow(CLAIM.format(schema=db.schema), snapshots.topic.name)
        if claimed is None or await uow.connection.fetchval(FULL.format(schema=db.schema), OUTBOX_MAX_ROWS):
            return False
        told, place = await snapshots.page(uow, claimed["after"])
        await uow.connection.execute(MOVE.format(schema=db.schema), snapshots.topic.name, place, told)
    if place is None:
        log.info("told_again", topic=snapshots.topic.name)
    return place is not None
