"""A book of before the fold: its aggregates are packed subject by subject, whenever and by whomever, and readers see the
same figures at every moment."""

import asyncio
import random
import signal
import sys
from collections.abc import Sequence

import asyncpg
import pytest

from services.rating.catalogue.repository import CatalogueRepository
from services.rating.metering.fold.memory import FoldMemory
from services.rating.metering.fold.usecases.add_changes import Holding
from services.rating.metering.fold.usecases.fold import folding
from services.rating.metering.fold.usecases.move_old_book import move_old_book_step
from services.rating.metering.repository.admission import AdmissionRepository
from shared.db.unit_of_work import Database
from shared.topics.usage_ingest import UsageMessage
from tests.conftest import TestDatabase
from tests.services.rating.metering import book
from tests.services.rating.metering.batches import Metering, event, void
from tests.services.rating.metering.book import Aggregates, aggregates, backfilled, changed, meter, rows
from tests.services.rating.metering.oracle import tallied

OLD = ("old_usage_hours", "old_usage_days", "old_usage_uniques")
SENT = [
    event(
        str(n),
        f"s{n % 5}",
        data={"region": f"r{n % 3}", "user": f"u{n % 2}", "seconds": f"{10**18 + n}.{n:012d}"},
        type="api.call" if n % 4 else "other",
    )
    for n in range(80)
]


@pytest.fixture
async def old(db: Database, metering: Metering, database: TestDatabase) -> Metering:
    """Eighty events of five subjects, one of them void, that stand in a book of before."""
    for name, terms in {"calls": book.CALLS, "seconds": book.SECONDS, "users": book.USERS}.items():
        await meter(db, name, **terms)
    await metering.take(*SENT, void("1"))
    connection = await asyncpg.connect(database.admin_url)
    async with connection.transaction():
        await connection.execute(book.OF_BEFORE)
    await connection.close()
    return metering


async def test_a_subject_is_packed_before_it_changes_and_the_others_step_by_step(
    db: Database, old: Metering
) -> None:
    before = await aggregates(db)
    assert before == await expected(db, [*SENT, void("1")])
    more = [void("6"), event("new", "s2", data={"region": "r1", "user": "u0", "seconds": 1})]
    await old.take(*more)
    sent = [*SENT, void("1"), *more]
    assert await aggregates(db) == await expected(db, sent)
    assert await subjects_left(db) == {"s0", "s3", "s4"}, (
        "of 6 and of the new one, which are those of s1 and s2"
    )
    memory = FoldMemory(1000)
    while await stepped(db, memory, rows_max=3):
        assert await aggregates(db) == await expected(db, sent)
    assert await subjects_left(db) == set()
    late = [void("0"), void("4"), void("new")]
    await old.take(*late)
    assert await aggregates(db) == await expected(db, [*sent, *late])


async def test_a_meter_that_changes_meanwhile_is_added_up_again_behind_the_move(
    db: Database, old: Metering
) -> None:
    before = await aggregates(db)
    await changed(db, "users", **{**book.USERS, "group_by": []})
    await meter(db, "others", event_type="other", aggregation="count")
    assert await backfilled(db) == 0
    seen = await aggregates(db)
    assert seen.uniques == before.uniques
    assert {name for _, name, _, _ in seen.hours} == {"calls", "seconds"}, (
        "a meter takes what counted as a type"
    )
    memory = FoldMemory(1000)
    while await stepped(db, memory, rows_max=3):
        pass
    assert await aggregates(db) == seen
    await backfilled(db)
    assert await aggregates(db) == await expected(db, [*SENT, void("1")])


async def test_a_month_that_becomes_crowded_admits_what_the_old_rows_count(
    db: Database, old: Metering
) -> None:
    tight = Metering(db, groups_max=4, positions=old.positions, batch_ids=old.batch_ids)
    await tight.take(
        *[event(f"x{n}", "s0", data={"region": f"x{n}", "user": "u", "seconds": 1}) for n in range(3)]
    )
    admitted = await rows(
        db, "select grp from rating.admitted_groups where subject = 's4' and meter = 'calls'"
    )
    assert {row["grp"] for row in admitted} == {f'{{"region":"r{n}"}}' for n in range(3)}


@pytest.mark.parametrize("seed", range(3))
async def test_whatever_moves_first(db: Database, old: Metering, seed: int) -> None:
    rng, sent, memory = random.Random(seed), [*SENT, void("1")], FoldMemory(1000)
    left = [str(n) for n in range(2, 80)]
    rng.shuffle(left)
    while left:
        if rng.random() < 0.4:
            await stepped(db, memory, rows_max=rng.choice([1, 5]))
        taken = [void(left.pop()) for _ in range(min(len(left), rng.choice([1, 4])))]
        sent += taken
        await old.take(*taken)
        assert await aggregates(db) == await expected(db, sent)


async def test_who_dies_in_the_move_has_moved_nothing(
    db: Database, old: Metering, database: TestDatabase
) -> None:
    before, left = await aggregates(db), await subjects_left(db)
    assert await died(database, "old_book.before_commit:2")
    assert await aggregates(db) == before
    assert await subjects_left(db) < left, "the step before the last one is kept"
    memory = FoldMemory(1000)
    while await stepped(db, memory, rows_max=100):
        pass
    assert await aggregates(db) == before and await subjects_left(db) == set()


async def test_who_dies_between_a_change_and_the_first_of_its_events_is_succeeded(
    db: Database, metering: Metering, database: TestDatabase
) -> None:
    await meter(db, "calls", **book.CALLS)
    sent = [*SENT, void("1")]
    await metering.take(*sent)
    before = await aggregates(db)
    await changed(db, "calls", **{**book.CALLS, "group_by": []})
    assert await died(database, "backfill.before_first")
    assert await aggregates(db) == before
    await metering.take(void("2"))
    await backfilled(db)
    assert await aggregates(db) == await expected(db, [*sent, void("2")])


async def died(database: TestDatabase, failpoint: str) -> bool:
    """Whether a process that moves the old book and takes the steps of back-fills died there."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.services.rating.metering.steps_process",
        database.url("rating"),
        env={"U2C_FAILPOINT": failpoint},
    )
    return await process.wait() == -signal.SIGKILL


async def stepped(db: Database, memory: FoldMemory, *, rows_max: int) -> bool:
    async with folding(db, memory) as (uow, claim):
        return await move_old_book_step(uow, Holding(memory, claim.rolled_up), rows_max=rows_max)


async def subjects_left(db: Database) -> set[str]:
    found = await rows(db, " union ".join(f"select subject from rating.{table}" for table in OLD))
    return {row["subject"] for row in found}


async def expected(db: Database, sent: Sequence[UsageMessage]) -> Aggregates:
    """The tally of what stands of these."""
    async with db.transaction() as uow:
        meters = await CatalogueRepository(uow.connection).meters()
        admission = await AdmissionRepository(uow.connection).admission(meters, {f"s{n}" for n in range(5)})
    return tallied(sent, meters, admission)
