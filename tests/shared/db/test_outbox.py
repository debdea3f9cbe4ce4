"""The outbox and its relays: what was committed reaches the bus, in order within a key, whoever dies or
sleeps."""

import asyncio
import signal
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from shared.bus.partitioner import partition_of
from tests.conftest import TestDatabase, TestServer
from tests.shared.bus.arena import Arena
from tests.shared.bus.topics import FACTS, KEYS, PAGES, PARTITIONS, Fact, Page
from tests.waiting import until

FACTS_COUNT = 600


@pytest.fixture(scope="session")
def postgres_server(durable_server: TestServer) -> TestServer:
    """Overrides the run's server: the relay runs on the bus of tests.shared.bus."""
    return durable_server


@pytest.fixture
async def arena(database: TestDatabase, tmp_path: Path) -> AsyncIterator[Arena]:
    arena = Arena(database, tmp_path)
    await arena.open()
    await arena.create_standard_tables()
    yield arena
    await arena.close()


async def test_a_committed_fact_is_told_and_a_rolled_back_one_is_not(arena: Arena) -> None:
    with pytest.raises(ZeroDivisionError):
        async with arena.db.transaction() as uow:
            uow.tell(FACTS, Fact("never", 0))
            await uow.flush()
            raise ZeroDivisionError
    await _tell(arena, 0, 50)
    arena.spawn_relay()
    await _told(arena, 50)
    assert {fact.id for fact in await _on_the_bus(arena)} == {f"fact-{number}" for number in range(50)}


async def test_a_snapshot_is_keyed_by_what_it_is_and_lies_where_it_is_partitioned(arena: Arena) -> None:
    """And a row written before rows said their partition goes where its key says, as it would have."""
    async with arena.db.transaction() as uow:
        uow.tell(PAGES, Page("acme-2026", 1))
        uow.tell(PAGES, Page("acme-2026", 2))
    await arena.db.pool.execute(
        "insert into rating.outbox (shard, topic, key, value) values (0, $1, 'of-before', '{}')", PAGES.name
    )
    arena.spawn_relay()
    await _told(arena, 0)
    found = [
        (partition, record.key)
        for partition in range(PARTITIONS)
        for record in (await arena.bus.read(PAGES.name, partition, 0, 10)).records
    ]
    together = partition_of(b"acme-2026", PARTITIONS)
    before = (partition_of(b"of-before", PARTITIONS), b"of-before")
    assert sorted(found) == sorted([(together, b'["acme-2026",1]'), (together, b'["acme-2026",2]'), before])


@pytest.mark.parametrize(
    "failpoint", [pytest.param("relay.before_publish", marks=pytest.mark.long), "relay.after_publish"]
)
async def test_a_relay_that_dies_loses_nothing(arena: Arena, failpoint: str) -> None:
    """After a death between publish and delete a fact may be there twice: harmless, it has an id."""
    await _tell(arena, 0, 100)
    for _ in range(2):
        dying = arena.spawn_relay(failpoint=failpoint)
        await dying.ended()
        assert dying.process.returncode == -signal.SIGKILL
    assert await arena.db.pool.fetchval("select count(*) from rating.outbox") == 100
    arena.spawn_relay()
    await _told(arena, 100)
    assert {fact.id for fact in await _on_the_bus(arena)} == {f"fact-{number}" for number in range(100)}


async def test_two_relays_share_the_shards_and_keep_the_order_within_a_key(arena: Arena) -> None:
    relays = [arena.spawn_relay(), arena.spawn_relay()]
    await until(lambda: _shares(arena, 2), "two relays share the shards")
    for start in range(0, FACTS_COUNT, 60):
        await _tell(arena, start, 60)
    await _told(arena, FACTS_COUNT)
    facts = await _on_the_bus(arena)
    assert len(facts) == FACTS_COUNT, "nobody died, so nothing is there twice"
    for key in range(KEYS):
        seqs = [fact.seq for fact in facts if fact.seq % KEYS == key]
        assert seqs == sorted(seqs)
    assert all(relay.process.poll() is None for relay in relays)


@pytest.mark.long
async def test_a_stopped_relay_loses_its_shards(arena: Arena) -> None:
    sleeper, other = arena.spawn_relay(), arena.spawn_relay()
    await until(lambda: _shares(arena, 2), "two relays share the shards")
    sleeper.signal(signal.SIGSTOP)
    await _tell(arena, 0, 200)
    await _told(arena, 200)
    sleeper.signal(signal.SIGCONT)
    await until(lambda: _shares(arena, 2), "the sleeper joins again")
    await _tell(arena, 200, 200)
    await _told(arena, 400)
    assert {fact.id for fact in await _on_the_bus(arena)} == {f"fact-{number}" for number in range(400)}
    assert other.process.poll() is None


async def _tell(arena: Arena, start: int, count: int) -> None:
    async with arena.db.transaction(trace="trace-of-a-test") as uow:
        for number in range(start, start + count):
            uow.tell(FACTS, Fact(f"fact-{number}", number))


async def _told(arena: Arena, count: int) -> None:
    async def empty() -> bool:
        return bool(await arena.db.pool.fetchval("select count(*) = 0 from rating.outbox"))

    await until(empty, f"the outbox is empty\n{arena.logs()}")
    assert sum((await arena.bus.heads(FACTS.name)).values()) >= count


async def _on_the_bus(arena: Arena) -> list[Any]:
    runs = await asyncio.gather(
        *(arena.bus.read(FACTS.name, partition, 0, 10_000) for partition in range(PARTITIONS))
    )
    assert all(
        dict(record.headers) == {"trace": b"trace-of-a-test"} for run in runs for record in run.records
    )
    return [FACTS.decode(record.value) for run in runs for record in run.records]


async def _shares(arena: Arena, relays: int) -> bool:
    """That many sessions hold advisory locks of shards, 16 in all, as evenly as can be."""
    rows = await arena.db.pool.fetch(
        """select count(*) as held from pg_locks where locktype = 'advisory' and granted
           and database = (select oid from pg_database where datname = current_database()) group by pid
               order by 1"""
    )
    held = [row["held"] for row in rows]
    return len(held) == relays and sum(held) == 16 and held[-1] - held[0] <= 1
