"""A folder that is killed or stopped loses nothing and counts nothing twice, and another one goes on."""

import asyncio
import os
import signal
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from shared.db.unit_of_work import Database
from tests.conftest import TestDatabase
from tests.services.rating.metering import book
from tests.services.rating.metering.batches import NOW, Metering, event, void
from tests.services.rating.metering.book import aggregates, meter, rows
from tests.services.rating.metering.test_fold import expected

ROOT = Path(__file__).parents[4]
LATER = NOW + timedelta(days=3)
ENDS_S = 60
DEATHS = 3


@pytest.mark.timeout(240)
async def test_a_folder_that_dies_at_any_place_is_followed_by_one_that_finishes(
    db: Database, database: TestDatabase
) -> None:
    """Between batch and fold, in a fold before its commit, in the roll-up of days: several times each."""
    metering = Metering(db, now=LATER)
    await meter(db, "seconds", **book.SECONDS)
    await meter(db, "users", **book.USERS)
    sent = []
    for n, point in enumerate(("fold.before_claim", "fold.before_commit", "fold.rolling_up")):
        brought = [
            event(
                f"{n}/{m}",
                f"s{m % 3}",
                NOW + timedelta(hours=m + 24 * n),
                {"seconds": "0.5", "user": f"u{m}"},
            )
            for m in range(30)
        ]
        sent += [*brought, void(f"{n}/3")]
        await metering.store(*brought[:20])
        await metering.store(*brought[20:], void(f"{n}/3"), partition=1)
        assert await _followed(database, point) == [-signal.SIGKILL] * DEATHS
        assert await aggregates(db) == await expected(db, sent)
    assert await rows(db, "select from rating.usage_deltas") == []
    [state] = await rows(db, "select rolled_before, rolling_before from rating.fold_state")
    assert state["rolled_before"] == state["rolling_before"] > NOW.date()


@pytest.mark.timeout(180)
async def test_a_folder_stopped_in_the_middle_of_its_copy_is_evicted(
    db: Database, database: TestDatabase
) -> None:
    metering = Metering(db, now=LATER)
    await meter(db, "calls", **book.CALLS)
    sent = [event(str(n), f"s{n}", NOW) for n in range(50)]
    await metering.store(*sent)
    stopped = await _started(database, "stop")
    while not _is_stopped(stopped.pid):
        assert stopped.returncode is None
        await asyncio.sleep(0.01)
    await asyncio.wait_for(metering.fold(), ENDS_S)
    assert await aggregates(db) == await expected(db, sent)
    more = event("more", "s1", NOW)
    await metering.take(more)
    os.kill(stopped.pid, signal.SIGCONT)
    # its session is gone: what it had begun is nothing
    assert await asyncio.wait_for(stopped.wait(), ENDS_S) == 1
    assert await aggregates(db) == await expected(db, [*sent, more])


async def _followed(database: TestDatabase, failpoint: str) -> list[int]:
    """How folders ended, each of which began when the one before had died; another one then finishes."""
    process = await _started(database, failpoint=failpoint, deaths=DEATHS)
    told, _ = await asyncio.wait_for(process.communicate(), ENDS_S)
    assert process.returncode == 0
    return [int(line) for line in told.split()]


async def _started(
    database: TestDatabase, stop: str = "", failpoint: str = "", deaths: int = 0
) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.services.rating.metering.folder_process",
        database.url("rating"),
        stop,
        LATER.isoformat(),
        str(deaths),
        cwd=ROOT,
        env={**os.environ, "U2C_FAILPOINT": failpoint},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )


def _is_stopped(pid: int) -> bool:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "T"
