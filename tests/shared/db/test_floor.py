"""A look at a queue begins where nothing is left, and never above a row that commits late."""

import asyncio

import asyncpg
import pytest

from shared.db.floor import BOTTOM_EVERY_S, SNAPSHOT, Floor, Look
from shared.db.unit_of_work import Database
from shared.topics.rating import CUSTOMERS
from tests.conftest import TestDatabase
from tests.services.usage_ingest.circumstances import customer
from tests.waiting import until


class Queue:
    """A table of ids, taken from as the queues are: what was seen is deleted in the look itself."""

    def __init__(self, connection: asyncpg.Connection, floor: Floor) -> None:
        self.connection, self.floor = connection, floor

    async def take(self) -> list[int]:
        row = await self.connection.fetchrow(
            f"""with taken as (delete from queue where id > $1 returning id)
                select array(select id from taken order by id) as ids, {SNAPSHOT}""",
            self.floor.start(),
        )
        assert row is not None
        ids: list[int] = row["ids"]
        self.floor.looked(Look(ids[-1] if ids else None, row["oldest_xid"], row["next_xid"]))
        return ids


@pytest.fixture
async def connections(database: TestDatabase) -> list[asyncpg.Connection]:
    found = [await asyncpg.connect(database.admin_url) for _ in range(3)]
    await found[0].execute("create table queue (id bigint generated always as identity primary key)")
    return found


ADD = "insert into queue default values returning id"


async def test_the_floor_rises_over_what_was_taken(connections: list[asyncpg.Connection]) -> None:
    looking, writing, _ = connections
    queue = Queue(looking, Floor())
    for _ in range(3):
        last = await writing.fetchval(ADD)
        assert await queue.take() == [last]
    await queue.take()
    assert queue.floor.start() == last


async def test_a_row_that_commits_late_is_taken_however_many_came_before(
    connections: list[asyncpg.Connection],
) -> None:
    looking, writing, late = connections
    queue = Queue(looking, Floor())
    await writing.fetchval(ADD)
    await queue.take()
    await queue.take()
    begun = late.transaction()
    await begun.start()
    hidden = await late.fetchval(ADD)
    for _ in range(5):
        last = await writing.fetchval(ADD)
        assert await queue.take() == [last] and last > hidden
    assert queue.floor.start() < hidden, "its transaction still runs"
    await begun.commit()
    assert await queue.take() == [hidden]
    await writing.fetchval(ADD)
    await queue.take()
    await queue.take()
    assert queue.floor.start() > hidden


async def test_who_tells_is_seen_to_run_before_it_draws_a_number(
    database: TestDatabase, connections: list[asyncpg.Connection]
) -> None:
    """Stopped between the two, where telling is the first that it writes. The first number of all is no case of it: a
    sequence writes 32 ahead to the log, and who draws the first of them has begun to write by that."""
    looking, holding, _ = connections
    db = Database(database.url("rating"), "rating")
    await db.open()
    await tell_alone(db)
    await looking.execute(
        """create function stop() returns trigger language plpgsql as
               $$ begin perform pg_advisory_xact_lock(1); return new; end $$;
           create trigger stop before insert on rating.outbox for each row execute function stop()"""
    )
    await holding.execute("select pg_advisory_lock(1)")
    telling = asyncio.create_task(tell_alone(db))

    async def stopped() -> asyncpg.Record | None:
        return await looking.fetchrow(
            """select a.backend_xid from pg_locks l join pg_stat_activity a using (pid)
               where l.locktype = 'advisory' and not l.granted and l.objid = 1"""
        )

    found = await until(stopped, "it stops before its row is there")
    assert found["backend_xid"] is not None
    assert await looking.fetchval("select last_value from rating.outbox_outbox_id_seq") == 2
    await holding.execute("select pg_advisory_unlock(1)")
    await telling
    await db.close()


async def tell_alone(db: Database) -> None:
    async with db.transaction() as uow:
        uow.tell(CUSTOMERS, customer("UA", "united"))


async def test_a_floor_of_one_number_alone_would_lose_it(connections: list[asyncpg.Connection]) -> None:
    """What the test above would find: that looks begin at the highest number that was seen."""

    class Highest(Floor):
        def looked(self, look: Look) -> None:
            self._height = max(self._height, look.cleared or 0)

    looking, writing, late = connections
    queue = Queue(looking, Highest())
    begun = late.transaction()
    await begun.start()
    hidden = await late.fetchval(ADD)
    await writing.fetchval(ADD)
    await queue.take()
    await begun.commit()
    assert await queue.take() == [] and await looking.fetchval("select id from queue") == hidden


def test_a_look_begins_at_the_bottom_now_and_then() -> None:
    now = BOTTOM_EVERY_S
    floor = Floor(lambda: now)
    assert floor.start() == 0
    floor.looked(Look(7, 10, 10))
    floor.looked(Look(None, 10, 10))
    assert floor.start() == 7
    now += BOTTOM_EVERY_S
    assert floor.start() == 0


def test_the_floor_never_rises_above_what_was_left() -> None:
    floor = Floor()
    floor.start()
    floor.looked(Look(100, 10, 12))
    floor.looked(Look(40, 12, 12))
    assert floor.start() == 40
