"""What every bus must do, whoever dies, sleeps or comes back. An adapter inherits `BusConformance` and brings
its `arena`."""

import asyncio
import itertools
import signal
from dataclasses import replace
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import asyncpg
import pytest

from shared.bus import BusUnavailable, Record
from shared.bus.dead_letters import dead_letters, replay
from shared.bus.faults import WrongCluster, WrongPartitionCount
from shared.db.unit_of_work import UnitOfWork
from shared.errors import AppError
from shared.runtime.clock import machine_now
from shared.runtime.consumer import Batch, BatchCounts, Subscribe
from shared.runtime.consumer.blame import CRASHES_MAX
from shared.runtime.consumer.transaction import DEAD_IN_A_ROW_MAX
from shared.topics import Topic
from tests.shared.bus.arena import GROUP, Arena
from tests.shared.bus.consumer_process import Stop, consumer
from tests.shared.bus.topics import FACTS, PARTITIONS, STATES, TOPICS, fact
from tests.waiting import until

LONG = pytest.mark.long


class BusConformance:
    """The suite. Cases that kill or stop run consumers as OS processes."""

    async def recreate(self, arena: Arena, topic: Topic) -> None:
        """Delete the topic and create it again, empty."""
        raise NotImplementedError

    async def lose(self, arena: Arena, topic: Topic, partition: int, before: int) -> None:
        """Delete the records below `before`, consumed or not, as a too short retention would."""
        raise NotImplementedError

    async def other_cluster(self, arena: Arena) -> None:
        """Start a bus that is not the one this database has positions of."""
        raise NotImplementedError

    async def kill_store(self, arena: Arena) -> None:
        """kill -9 what keeps the log."""
        raise NotImplementedError

    async def start_store(self, arena: Arena) -> None:
        raise NotImplementedError

    # The log

    async def test_heads_positions_and_reading(self, arena: Arena) -> None:
        await asyncio.gather(*(arena.publish(25) for _ in range(8)))
        heads = await arena.bus.heads(FACTS.name)
        assert sum(heads.values()) == 200 and len(heads) == PARTITIONS
        assert await arena.bus.positions(GROUP, FACTS.name) == dict.fromkeys(range(PARTITIONS), 0)
        partition, head = next((partition, head) for partition, head in heads.items() if head > 10)
        run = await arena.bus.read(FACTS.name, partition, 3, 5)
        assert (run.start, run.end, list(run.offsets)) == (3, 8, [3, 4, 5, 6, 7])
        assert dict(run.records[0].headers)["trace"].startswith(b"trace-")
        assert len((await arena.bus.read(FACTS.name, partition, head - 1, 100)).records) == 1
        assert len((await arena.bus.read(FACTS.name, partition, head, 100)).records) == 0
        for offset in (0, head - 1):
            written = await arena.bus.written_at(FACTS.name, partition, offset)
            assert written is not None and abs(written - machine_now()) < timedelta(minutes=2)
        assert await arena.bus.written_at(FACTS.name, partition, head) is None

    async def test_order_within_a_key(self, arena: Arena) -> None:
        for _ in range(10):
            await arena.publish(40)
        for partition in range(PARTITIONS):
            run = await arena.bus.read(FACTS.name, partition, 0, 1000)
            assert list(run.offsets) == list(range(len(run.records)))
            seqs: dict[bytes, int] = {}
            for record in run.records:
                seq = FACTS.decode(record.value).seq
                assert seqs.get(record.key, -1) < seq, "a later record of a key lies before an earlier one"
                seqs[record.key] = seq

    async def test_a_wrong_partition_count_stops_the_start(
        self, arena: Arena, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        more = Topic(
            FACTS.name,
            FACTS.message,
            FACTS.kind,
            FACTS.partitioned_by,
            FACTS.producer,
            FACTS.consumers,
            partitions=PARTITIONS + 1,
        )
        monkeypatch.setitem(TOPICS, FACTS.name, more)
        with pytest.raises(WrongPartitionCount, match="new topic"):
            await arena.another_bus().start()

    # Consumers

    async def test_effects_once_when_consumers_are_killed(self, arena: Arena) -> None:
        consumers = [arena.spawn(pause_s=0.01), arena.spawn(pause_s=0.01)]
        async with arena.load():
            await _first_effect(arena)
            for turn in range(4):
                await until_lag(arena)
                consumers[turn % 2].kill()
                consumers[turn % 2] = arena.spawn(pause_s=0.01)
                await asyncio.sleep(0.5)
        await arena.drained()
        await arena.assert_exactly_once()

    async def test_two_and_three_consumers_join_and_leave(self, arena: Arena) -> None:
        first = arena.spawn()
        async with arena.load():
            await _all_work(arena, {first.pid})
            second, third = arena.spawn(), arena.spawn()
            await _all_work(arena, {first.pid, second.pid, third.pid})
            third.signal(signal.SIGTERM)
            await third.ended()
            await _all_work(arena, {first.pid, second.pid})
            first.signal(signal.SIGTERM)
            await first.ended()
            await _all_work(arena, {second.pid})
        await arena.drained()
        await arena.assert_exactly_once()

    @pytest.mark.parametrize(
        "place",
        [
            pytest.param("before_transaction", marks=LONG),
            pytest.param("between_statements", marks=LONG),
            "in_copy",
        ],
    )
    async def test_a_stopped_consumer_is_replaced_and_wakes_in_vain(self, arena: Arena, place: str) -> None:
        await zombie(arena, place)
        await arena.assert_exactly_once()

    @LONG
    async def test_a_stopped_consumer_wakes_while_its_successor_waits(self, arena: Arena) -> None:
        await early_zombie(arena)
        await arena.assert_exactly_once()

    @LONG
    async def test_a_slow_consumer_keeps_its_partitions(self, arena: Arena) -> None:
        """A handler that takes longer than the session timeout is not silent: its process still beats."""
        await arena.publish(60, keys=1)
        slow = arena.spawn(pause_s=arena.session_timeout_s * 1.6, records_max=60)
        await until_effects(arena, 60)
        await arena.publish(60, keys=1)
        other = arena.spawn(pause_s=arena.session_timeout_s * 1.6, records_max=60)
        await arena.drained()
        await arena.assert_exactly_once()
        assert slow.process.poll() is None and other.process.poll() is None

    async def test_poison_becomes_a_dead_letter(self, arena: Arena) -> None:
        await arena.publish(30, keys=1)
        await arena.bus.publish(
            FACTS.name,
            [fact(1000, keys=1, poison=True), Record(b"key-0", b"{not json"), Record(b"key-0", b'{"id": 5}')],
        )
        await arena.publish(30, keys=1)
        running = await run_until_drained(arena)
        assert running is None
        await arena.assert_exactly_once()
        dead = await arena.db.pool.fetch(
            "select offset_, value, error, headers from bus.dead_letters order by offset_"
        )
        assert [row["offset_"] for row in dead] == [30, 31, 32]
        assert [row["error"].split("(")[0] for row in dead] == ["AppError", "DecodeError", "ValidationError"]
        assert dead[1]["value"] == b"{not json" and dead[0]["headers"] == {"trace": "trace-1000"}
        assert await arena.db.pool.fetchval("select sum(dead) from bus.batches") == 3

    async def test_too_many_dead_in_a_row_stop_the_consumer(self, arena: Arena) -> None:
        await arena.publish(10, keys=1)
        await arena.bus.publish(FACTS.name, [Record(b"key-0", b"{not json")] * (DEAD_IN_A_ROW_MAX + 20))
        reason = await run_until_drained(arena)
        assert reason is not None and "deploy the matching versions" in reason
        assert await arena.db.pool.fetchval("select count(*) from bus.dead_letters") <= DEAD_IN_A_ROW_MAX

    async def test_a_message_that_crashes_the_handler_is_set_aside_alone(self, arena: Arena) -> None:
        """Five tries of the run and five alone; its neighbours, of its batch and behind it, have their
        effect."""
        await arena.publish(30, keys=1)
        await arena.bus.publish(FACTS.name, [fact(1000, keys=1)])
        await arena.publish(30, keys=1)
        alone = itertools.count()

        async def handler(batch: Batch[Any], uow: UnitOfWork, context: Any) -> BatchCounts:
            counts: BatchCounts = await context.good(batch, uow, context)
            if any(message.id == "fact-1000" for message in batch.messages):
                if len(batch.messages) == 1:
                    next(alone)
                raise KeyError("a bug")  # after its effects: none of them may stay
            return counts

        assert await run_until_drained(arena, handler) is None
        await arena.assert_exactly_once()
        [dead] = await arena.db.pool.fetch("select offset_, value, error, headers from bus.dead_letters")
        assert (dead["offset_"], dead["value"], dead["headers"]) == (
            30,
            fact(1000, keys=1).value,
            {"trace": "trace-1000"},
        )
        assert (
            dead["error"].startswith("KeyError('a bug') in handler, conformance.py:")
            and next(alone) == CRASHES_MAX
        )
        assert await arena.db.pool.fetchval("select sum(dead) from bus.batches") == 1

    async def test_a_dead_letter_is_replayed_once_it_can_be_taken(self, arena: Arena) -> None:
        """What is published again has its effect; what still cannot be taken is set aside again, and the
        letters before stay and say so."""
        await arena.publish(10, keys=1)
        await arena.bus.publish(FACTS.name, [fact(1000, keys=1), Record(b"key-0", b"{not json")])

        async def broken(batch: Batch[Any], uow: UnitOfWork, context: Any) -> BatchCounts:
            counts: BatchCounts = await context.good(batch, uow, context)
            if any(message.id == "fact-1000" for message in batch.messages):
                raise AppError("a rule that is wrong")
            return counts

        assert await run_until_drained(arena, broken) is None
        letters = await dead_letters(arena.db.pool)
        assert [(letter.offset, letter.group, letter.replayed_at) for letter in letters] == [
            (10, GROUP, None),
            (11, GROUP, None),
        ]
        assert letters[0].record == replace(fact(1000, keys=1), partition=letters[0].partition), (
            "it returns to where it lay"
        )
        assert await replay(arena.db.pool, arena.bus, letters) == 2
        assert await run_until_drained(arena) is None
        await arena.assert_exactly_once()
        assert await arena.db.pool.fetchval("select count(*) from rating.effects where id = 'fact-1000'") == 1
        assert [letter.offset for letter in await dead_letters(arena.db.pool)] == [13], (
            "what was no message is none now"
        )
        assert [
            letter.replayed_at is not None for letter in await dead_letters(arena.db.pool, replayed=True)
        ] == [True, True, False]
        assert (
            await dead_letters(arena.db.pool, topic="another")
            == await dead_letters(arena.db.pool, group="another")
            == []
        )

    async def test_what_the_data_breaks_in_the_database_is_set_aside_too(self, arena: Arena) -> None:
        await arena.publish(20, keys=1)
        await arena.admin("alter table rating.effects add constraint few check (seq <> 7) not valid")
        assert await run_until_drained(arena) is None
        [dead] = await arena.db.pool.fetch("select offset_, error from bus.dead_letters")
        assert dead["offset_"] == 7 and dead["error"].startswith("CheckViolationError")
        assert await arena.db.pool.fetchval("select count(*) from rating.effects") == 19

    async def test_a_handler_that_fails_for_its_surroundings_sets_nothing_aside(
        self, arena: Arena, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A table that is not there yet, a deadlock, a lost connection: no message is to blame, however often
        it is tried."""
        monkeypatch.setattr("shared.runtime.consumer.backoff.BACKOFF_MAX_S", 0.05)
        await arena.publish(10, keys=1)
        faults = itertools.cycle(
            [
                asyncpg.UndefinedTableError("a migration is missing"),
                asyncpg.InsufficientPrivilegeError("a grant is missing"),
                asyncpg.DeadlockDetectedError("a deadlock"),
                asyncpg.SerializationError("a collision"),
                ConnectionResetError("gone"),
                asyncpg.InterfaceError("the connection is closed"),
                BusUnavailable("no broker"),
                MemoryError(),
            ]
        )
        tries = itertools.count()

        async def handler(batch: Batch[Any], uow: UnitOfWork, context: Any) -> BatchCounts:
            if next(tries) < 2 * CRASHES_MAX + 2:
                raise next(faults)
            counts: BatchCounts = await context.good(batch, uow, context)
            return counts

        assert await run_until_drained(arena, handler) is None
        await arena.assert_exactly_once()
        assert await arena.db.pool.fetchval("select count(*) from bus.dead_letters") == 0

    async def test_a_bug_that_hits_every_message_stops_the_consumer(
        self, arena: Arena, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A broken release must not empty the log into the dead letters."""
        monkeypatch.setattr("shared.runtime.consumer.backoff.BACKOFF_MIN_S", 0.0)
        monkeypatch.setattr("shared.runtime.consumer.transaction.DEAD_IN_A_ROW_MAX", 5)
        await arena.publish(20, keys=1)

        async def handler(batch: Batch[Any], uow: UnitOfWork, context: Any) -> BatchCounts:
            raise KeyError("a bug")

        reason = await run_until_drained(arena, handler)
        assert reason is not None and "are poison, last at offset 5" in reason and "KeyError" in reason
        assert await arena.db.pool.fetchval("select count(*) from bus.dead_letters") == 5

    async def test_a_bug_in_a_handler_skips_nothing(self, arena: Arena) -> None:
        """An unexpected error is no reason to go on at once: it is tried again, and what passes has lost
        nothing."""
        await arena.publish(20)
        tries = itertools.count()

        async def handler(batch: Batch[Any], uow: UnitOfWork, context: Any) -> BatchCounts:
            if next(tries) < 3:
                raise KeyError("a bug")
            counts: BatchCounts = await context.good(batch, uow, context)
            return counts

        assert await run_until_drained(arena, handler) is None
        await arena.assert_exactly_once()

    # The log is not what it was

    async def test_a_topic_created_again_stops_the_consumer(self, arena: Arena) -> None:
        await arena.publish(40)
        assert await run_until_drained(arena) is None
        await self.recreate(arena, FACTS)
        reason = await run_until_drained(arena)
        assert (
            reason is not None
            and "re-created or truncated" in reason
            and "delete the row of bus.positions" in reason
        )

    async def test_a_topic_created_again_and_filled_stops_the_consumer(self, arena: Arena) -> None:
        await arena.publish(40)
        assert await run_until_drained(arena) is None
        await self.recreate(arena, FACTS)
        await arena.publish(80)
        reason = await run_until_drained(arena)
        assert reason is not None and "is another one" in reason

    @LONG
    async def test_a_topic_created_again_under_a_running_consumer_stops_it(self, arena: Arena) -> None:
        await arena.publish(40)
        running = arena.spawn()
        await arena.drained()
        await self.recreate(arena, FACTS)
        assert "re-created or truncated" in await running.ended()

    async def test_records_lost_before_they_were_consumed_stop_the_consumer(self, arena: Arena) -> None:
        await arena.publish(40, keys=1)
        partition = next(partition for partition, head in (await arena.bus.heads(FACTS.name)).items() if head)
        await arena.publish(40, keys=1)
        await self.lose(arena, FACTS, partition, 40)
        reason = await run_until_drained(arena)
        assert reason is not None and "lost offsets 0 to 40" in reason

    async def test_snapshots_may_have_been_removed(self, arena: Arena) -> None:
        """On a snapshot topic a hole is compaction; its batch row says so, and K1 still tiles."""
        for part in range(2):
            await arena.bus.publish(STATES.name, [fact(n) for n in range(part * 10, part * 10 + 10)])
        await self.lose(arena, STATES, 0, 10)
        assert await run_until_drained(arena, topic=STATES) is None
        row = await arena.db.pool.fetchrow(
            "select sum(new) as new, sum(compacted) as compacted from bus.batches where topic = $1",
            STATES.name,
        )
        assert row is not None and (row["new"], row["compacted"]) == (10, 10)

    async def test_another_cluster_is_refused(self, arena: Arena) -> None:
        with pytest.raises(WrongCluster, match="right cluster"):
            await self.other_cluster(arena)

    # The store

    @LONG
    async def test_the_store_is_killed_and_comes_back(self, arena: Arena) -> None:
        consumers = [arena.spawn(), arena.spawn()]
        async with arena.load():
            await _all_work(arena, {process.pid for process in consumers})
            for _ in range(2):
                await self.kill_store(arena)
                await asyncio.sleep(0.5)
                await self.start_store(arena)
                await asyncio.sleep(1.5)
        await arena.drained()
        await arena.assert_exactly_once()
        assert all(process.process.poll() is None for process in consumers), arena.logs()

    # The suite would notice

    async def test_without_compare_and_set_a_zombie_counts_twice(self, arena: Arena) -> None:
        """The sabotage: the unique batch row is dropped too, to show that the compare-and-set alone keeps the
        promise (see the next case)."""
        await _drop_unique_batches(arena)
        with pytest.raises(AssertionError, match="there twice"):
            await zombie(arena, "before_transaction", compare_and_set=False)
            await arena.assert_exactly_once()

    @LONG
    async def test_with_compare_and_set_alone_a_zombie_counts_once(self, arena: Arena) -> None:
        await _drop_unique_batches(arena)
        await zombie(arena, "before_transaction")
        await arena.assert_exactly_once()


async def zombie(arena: Arena, place: str, **options: Any) -> None:
    """A consumer stops itself at `place`; another takes over with batches of another length and finishes;
    then the first wakes."""
    await arena.publish(600)
    sleeper = arena.spawn(stop=place, records_max=40, **options)
    await sleeper.stopped_itself()
    arena.spawn(records_max=25, **options)
    await arena.drained()
    sleeper.signal(signal.SIGCONT)
    await asyncio.sleep(0.5)
    await arena.publish(200)
    await arena.drained()
    await asyncio.sleep(0.3)


async def early_zombie(arena: Arena, drain_s: float = 60, **options: Any) -> None:
    """The sleeper holds its transaction open and wakes when the successor already waits for the position
    row."""
    await arena.publish(600, keys=1)
    sleeper = arena.spawn(stop="between_statements", records_max=40, **options)
    await sleeper.stopped_itself()
    arena.spawn(records_max=25, **options)
    await until_blocked(arena)
    sleeper.signal(signal.SIGCONT)
    await arena.drained(drain_s)


async def run_until_drained(
    arena: Arena, handler: Any = None, topic: Topic = FACTS, timeout_s: float = 20
) -> str | None:
    """Consume in this process until nothing is left; return why the consumer stopped, None when it did
    not."""
    stated = consumer(arena.options(), arena.db, arena.bus, Stop(arena.options()))
    good = stated.subscriptions[0].handler
    running = replace(
        stated,
        context=SimpleNamespace(**vars(stated.context), good=good),
        subscriptions=[Subscribe(topic, handler or good, 50)],
    )
    task = asyncio.create_task(running.run())
    try:
        await until(lambda: _done(arena, task, topic), "the consumer drains the topic or stops", timeout_s)
        return running.stopped_reason if task.done() else None
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def _done(arena: Arena, task: "asyncio.Task[None]", topic: Topic) -> bool:
    if task.done():
        return True
    heads, done = await arena.bus.heads(topic.name), await arena.bus.positions(GROUP, topic.name)
    return sum(heads.values()) == sum(done.values())


async def until_effects(arena: Arena, count: int) -> None:
    async def there() -> bool:
        return bool((await arena.db.pool.fetchval("select count(*) from rating.effects")) >= count)

    await until(there, f"{count} effects")


async def until_lag(arena: Arena) -> None:
    async def behind() -> bool:
        return await arena.lag() > 0

    await until(behind, "there is lag")


async def until_blocked(arena: Arena) -> None:
    """A backend of this database waits for a row."""

    async def blocked() -> bool:
        return bool(
            await arena.db.pool.fetchval(
                "select exists (select from pg_stat_activity where datname = current_database() and cardinality(pg_blocking_pids(pid)) > 0)"
            )
        )

    await until(blocked, "the successor waits for the position row")


async def _first_effect(arena: Arena) -> None:
    await until_effects(arena, 1)


async def _all_work(arena: Arena, pids: set[int]) -> None:
    """Wait until exactly these processes have effects of late, and the partitions are shared among all of
    them."""

    async def shared() -> bool:
        since = await arena.last_effect()
        await asyncio.sleep(0.4)
        owners: dict[int, set[int]] = {}
        for row in await arena.effects_since(since):
            owners.setdefault(row["pid"], set()).add(row["partition"])
        counts = sorted(len(owned) for owned in owners.values())
        return owners.keys() == pids and sum(counts) == PARTITIONS and counts[-1] - counts[0] <= 1

    await until(shared, f"{len(pids)} consumers share {PARTITIONS} partitions\n{arena.logs()}")


async def _drop_unique_batches(arena: Arena) -> None:
    await arena.admin("alter table bus.batches drop constraint batches_grp_topic_partition_from_offset_key")
