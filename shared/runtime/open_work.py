"""Gauges of what is open now, which people must act on: a counter's increase ends after an hour, while the
thing still waits."""

from dataclasses import dataclass
from datetime import datetime

import asyncpg
from prometheus_client import Gauge

from shared.runtime.context import AnyContext

EVERY_S = 10.0
EXCEPTIONS = Gauge("u2c_exceptions_open", "Exceptions nobody has resolved yet", ["service", "kind", "owner"])
OVERDUE = Gauge(
    "u2c_exceptions_overdue",
    "Those of them whose deadline has passed, by the business clock",
    ["service", "kind", "owner"],
)
DEAD_LETTERS = Gauge(
    "u2c_dead_letters_open",
    "Records a consumer set aside, neither replayed nor discarded",
    ["group", "topic"],
)


async def measure(context: AnyContext) -> None:
    """Count the exceptions and dead letters of this service; every replica counts all."""
    measure_exceptions(context.name, await _exceptions(context.db.pool, context.name, context.clock.now()))
    groups = context.topics_by_group()
    measure_dead_letters(groups, await _dead_letters(context.db.pool, list(groups)))


@dataclass(frozen=True, slots=True)
class OpenExceptions:
    """How many of a kind an owner has, and how many of them too long."""

    kind: str
    owner: str
    open: int
    overdue: int


def measure_exceptions(service: str, rows: list[OpenExceptions]) -> None:
    """Replace all at once: what is resolved leaves no series behind, and a scrape never falls between."""
    for gauge in (EXCEPTIONS, OVERDUE):
        gauge.clear()
    for row in rows:
        EXCEPTIONS.labels(service, row.kind, row.owner).set(row.open)
        OVERDUE.labels(service, row.kind, row.owner).set(row.overdue)


@dataclass(frozen=True, slots=True)
class OpenLetters:
    """How many of a topic a group of consumers set aside."""

    grp: str
    topic: str
    open: int


def measure_dead_letters(groups: dict[str, list[str]], rows: list[OpenLetters]) -> None:
    """Every topic of every group has its figure, 0 included."""
    DEAD_LETTERS.clear()
    for group, topics in groups.items():
        for topic in topics:
            DEAD_LETTERS.labels(group, topic).set(0)
    for row in rows:
        DEAD_LETTERS.labels(row.grp, row.topic).set(row.open)


async def _exceptions(pool: asyncpg.Pool, schema: str, now: datetime) -> list[OpenExceptions]:
    rows = await pool.fetch(
        f"""select kind, owner, count(*) as open, count(*) filter (where deadline_at < $1) as overdue
            from {schema}.exceptions where resolved_at is null group by kind, owner""",
        now,
    )
    return [OpenExceptions(**row) for row in rows]


async def _dead_letters(pool: asyncpg.Pool, groups: list[str]) -> list[OpenLetters]:
    rows = await pool.fetch(
        """select grp, topic, count(*) as open from bus.dead_letters
           where grp = any($1::text[]) and replayed_at is null and discarded_at is null
               group by grp, topic""",
        groups,
    )
    return [OpenLetters(**row) for row in rows]
