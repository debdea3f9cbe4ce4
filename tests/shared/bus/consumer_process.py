"""A consumer of the suite as an OS process: stores what it hears in `rating.effects`, and can stop itself
(SIGSTOP) at a chosen place.

Run with one JSON argument (`Options`); when the consumer stops for good it prints the reason and exits with
3.
"""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any

import asyncpg
import msgspec

from shared.bus import Bus, positions
from shared.bus.kafka_access import KafkaAccess
from shared.bus.postgres_log import PostgresLog
from shared.db.unit_of_work import Database, Isolation, UnitOfWork
from shared.errors import AppError
from shared.runtime.consumer import Batch, BatchCounts, Consumer, Subscribe
from shared.runtime.logs import configure_logs
from tests.shared.bus.topics import FACTS, TOPICS, Fact

EFFECTS = """create table rating.effects (
    n bigint generated always as identity, id text not null, seq int not null, key text not null,
        partition smallint not null,
    offset_ bigint not null, batch_id bigint not null, pid int not null,
        at timestamptz not null default clock_timestamp())"""
COLUMNS = ("id", "seq", "key", "partition", "offset_", "batch_id", "pid")


class Options(msgspec.Struct, frozen=True, omit_defaults=True):
    url: str
    brokers: str = ""  # "" is the Postgres log
    group: str = "conformance"
    session_timeout_s: float = 1.5
    records_max: int = 50
    pause_s: float = 0.0  # the handler takes this long
    stop: str = ""  # before_transaction | between_statements | in_copy
    stop_at_batch: int = 3
    compare_and_set: bool = True  # False is the sabotage: the position moves whatever it was


class Stop:
    """Stops this process, once, when its place is reached for the n-th time."""

    def __init__(self, options: Options) -> None:
        self.place, self.left = options.stop, options.stop_at_batch

    def reach(self, place: str) -> None:
        if place != self.place:
            return
        self.left -= 1
        if self.left == 0:
            os.kill(os.getpid(), signal.SIGSTOP)


class StoppingDatabase(Database):
    """Can stop between poll and begin."""

    stop: Stop

    @asynccontextmanager
    async def transaction(
        self, isolation: Isolation = "read_committed", trace: str = ""
    ) -> AsyncIterator[UnitOfWork]:
        self.stop.reach("before_transaction")
        async with super().transaction(isolation, trace) as uow:
            yield uow


def open_test_bus(options: Options, pool: asyncpg.Pool) -> Bus:
    if options.brokers:
        from shared.bus.kafka import KafkaBus

        return KafkaBus(
            pool, KafkaAccess(options.brokers), topics=TOPICS, session_timeout_s=options.session_timeout_s
        )
    return PostgresLog(pool, topics=TOPICS, session_timeout_s=options.session_timeout_s)


def store_effects(options: Options, stop: Stop) -> Any:
    """The handler: refuses poison, then COPYs an effect a fact."""

    async def handler(batch: Batch[Fact], uow: UnitOfWork, _context: Any) -> BatchCounts:
        if any(message.poison for message in batch.messages):
            raise AppError("this fact is poison")
        stop.reach("between_statements")
        await asyncio.sleep(options.pause_s)
        await uow.connection.copy_records_to_table(
            "effects", schema_name="rating", columns=COLUMNS, records=_rows(batch, stop)
        )
        return BatchCounts(new=len(batch.messages))

    return handler


async def _rows(batch: Batch[Fact], stop: Stop) -> AsyncIterator[tuple[Any, ...]]:
    for n, (message, offset, key) in enumerate(zip(batch.messages, batch.offsets, batch.keys, strict=True)):
        if n == len(batch.messages) // 2:
            stop.reach("in_copy")
        yield message.id, message.seq, key.decode(), batch.partition, offset, batch.batch_id, os.getpid()


def remove_compare_and_set() -> None:
    """The sabotage of the suite: a position moves whatever it was, so a zombie's batch is taken."""
    removed = positions.MOVE.replace("and position = $4", "and $4::bigint is not null")
    assert removed != positions.MOVE, "the compare-and-set is written differently now: sabotage it again"
    positions.MOVE = removed


def consumer(options: Options, db: Database, bus: Bus, stop: Stop) -> Consumer[Any]:
    context = SimpleNamespace(
        db=db, bus=bus, settings=SimpleNamespace(consumer_batch_max=options.records_max)
    )
    return Consumer(context, options.group, [Subscribe(FACTS, store_effects(options, stop))])


async def main(options: Options) -> int:
    configure_logs("consumer", "info")
    if not options.compare_and_set:
        remove_compare_and_set()
    db = StoppingDatabase(options.url, "rating")
    db.stop = stop = Stop(options)
    await db.open()
    bus = open_test_bus(options, db.pool)
    await bus.start()
    running = consumer(options, db, bus, stop)
    task = asyncio.create_task(running.run())
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    await asyncio.gather(task, return_exceptions=True)
    await bus.stop()
    await db.close()
    print(running.stopped_reason or "", flush=True)
    return 3 if running.stopped_reason else 0


if __name__ == "__main__":
    sys.exit(asyncio.run(main(msgspec.json.decode(sys.argv[1], type=Options))))
