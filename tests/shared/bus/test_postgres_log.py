"""The log in Postgres under the conformance suite."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from shared.bus import postgres_subscription
from shared.bus.cluster import remember_cluster
from shared.bus.postgres_log import PostgresLog
from shared.topics import Topic
from tests.conftest import TestDatabase, TestServer
from tests.shared.bus.arena import Arena
from tests.shared.bus.conformance import BusConformance, early_zombie, run_until_drained, until_effects
from tests.shared.bus.refusals import RULE_BYTES, RefusalCases
from tests.shared.bus.topics import FACTS, PAGES

LONG_S = 3600.0


class TestPostgresLog(BusConformance):
    @pytest.fixture
    async def arena(
        self, database: TestDatabase, postgres_server: TestServer, tmp_path: Path
    ) -> AsyncIterator[Arena]:
        self.postgres = postgres_server.postgres
        arena = Arena(database, tmp_path)
        await arena.open()
        yield arena
        await arena.close()

    async def recreate(self, arena: Arena, topic: Topic) -> None:
        await arena.admin(
            f"delete from bus.segments where topic = '{topic.name}'; update bus.heads set head = 0 where topic = '{topic.name}'"
        )

    async def lose(self, arena: Arena, topic: Topic, partition: int, before: int) -> None:
        await arena.admin(
            f"delete from bus.segments where topic = '{topic.name}' and partition = {partition} and base < {before}"
        )

    async def other_cluster(self, arena: Arena) -> None:
        await remember_cluster(arena.db.pool, "kafka", "another")

    async def kill_store(self, arena: Arena) -> None:
        await asyncio.to_thread(self.postgres.kill)

    async def start_store(self, arena: Arena) -> None:
        await asyncio.to_thread(self.postgres.start)

    async def test_retention_keeps_what_a_reader_has_not_read(self, arena: Arena) -> None:
        for _ in range(5):
            await arena.publish(40)
        assert isinstance(arena.bus, PostgresLog)
        assert await arena.bus.trim(FACTS.name, 0) == 0, "the registered reader has not begun"
        assert await run_until_drained(arena) is None
        await arena.publish(40)
        assert await arena.bus.trim(FACTS.name, 3600) == 0, "nothing is that old"
        assert await arena.bus.trim(FACTS.name, 0) > 0
        assert await run_until_drained(arena) is None, (
            "the last segment stays, so the position can still be compared"
        )
        await arena.assert_exactly_once()

    async def test_a_fast_restart(self, arena: Arena) -> None:
        """pg_ctl restart -m fast: connections are ended by the administrator, and everybody comes back by
        himself."""
        running = arena.spawn()
        async with arena.load():
            await until_effects(arena, 1)
            await asyncio.to_thread(self.postgres.stop)
            await asyncio.to_thread(self.postgres.start)
            await asyncio.sleep(1)
        await arena.drained()
        await arena.assert_exactly_once()
        assert running.process.poll() is None

    async def test_a_poll_that_waits_looks_at_once_when_it_is_hurried(
        self, arena: Arena, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        subscription = await arena.bus.subscribe("in-a-hurry", [FACTS.name])
        assert await subscription.poll(100, 0) == []
        monkeypatch.setattr(subscription, "_wait_s", LONG_S)
        monkeypatch.setattr(postgres_subscription, "POLL_MAX_S", LONG_S)
        polling = asyncio.create_task(subscription.poll(100, LONG_S))
        await arena.publish(40)
        subscription.hurry()
        assert sum(len(run.records) for run in await asyncio.wait_for(polling, 30)) == 40
        await subscription.close()

    async def test_the_first_record_after_a_quiet_time_is_announced(
        self, arena: Arena, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        subscription = await arena.bus.subscribe("asleep", [FACTS.name])
        assert await subscription.poll(100, 0) == []
        monkeypatch.setattr(subscription, "_wait_s", LONG_S)
        polling = asyncio.create_task(subscription.poll(100, LONG_S))
        await arena.publish(40)
        assert sum(len(run.records) for run in await asyncio.wait_for(polling, 30)) == 40
        await subscription.close()

    @pytest.mark.long
    async def test_without_compare_and_set_a_successor_never_gets_on(self, arena: Arena) -> None:
        """With the unique batch row in place the double is refused, but nobody re-reads the position: the lag
        stays."""
        with pytest.raises(AssertionError, match="not consumed"):
            await early_zombie(arena, compare_and_set=False, drain_s=6)
            await arena.assert_exactly_once()


class TestRefusals(RefusalCases):
    """A trigger is what a broker's rule is there."""

    @pytest.fixture
    async def arena(self, database: TestDatabase, tmp_path: Path) -> AsyncIterator[Arena]:
        arena = Arena(database, tmp_path)
        await arena.open()
        yield arena
        await arena.close()

    async def forbid(self, arena: Arena) -> None:
        await arena.admin(f"""
            create function bus.rule() returns trigger language plpgsql as $$ begin
                if new.topic = '{PAGES.name}' and length(new.payload) > {RULE_BYTES}
                    then raise exception 'too much of it'; end if;
                return new; end $$;
            create trigger rule before insert on bus.segments for each row execute function bus.rule()""")

    async def allow(self, arena: Arena) -> None:
        await arena.admin("drop trigger rule on bus.segments; drop function bus.rule()")
