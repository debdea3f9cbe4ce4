"""Items that were counted by terms nobody reads any more are removed, a share at a time; whoever reads sees no
difference."""

import pytest

from services.rating.metering.fold.usecases.fold import folding
from services.rating.metering.upkeep import usecases as upkeep
from shared.db.unit_of_work import Database
from shared.postgres.migrations import migrate_all
from tests.conftest import TestDatabase
from tests.services.rating.metering import book
from tests.services.rating.metering.batches import Metering, event, void
from tests.services.rating.metering.book import aggregates, backfilled, changed, downgraded, meter, rows

OTHERWISE = {**book.USERS, "group_by": []}
KEPT = """select n.since = r.since as read, count(*)::int as items from rating.usage_items i
    join rating.usage_series n using (series_no) left join rating.series_read r using (meter) group by 1"""


@pytest.fixture
async def counted(db: Database, metering: Metering, monkeypatch: pytest.MonkeyPatch) -> Metering:
    """Sixty items of six subjects, and shares of a few."""
    monkeypatch.setattr(upkeep, "SUBJECTS_MAX", 2)
    monkeypatch.setattr(upkeep, "ITEMS_MAX", 7)
    await meter(db, "users", **book.USERS)
    await meter(db, "calls", **book.CALLS)
    await metering.take(
        *[event(str(n), f"s{n % 6}", data={"user": f"u{n}", "region": "eu"}) for n in range(60)]
    )
    return metering


async def test_items_of_replaced_terms_go_and_no_others(db: Database, counted: Metering) -> None:
    assert not await dropped(db), "nothing was replaced"
    await changed(db, "users", **OTHERWISE)
    await changed(db, "calls", **{**book.CALLS, "group_by": []})
    assert not await dropped(db), "they are read until the new ones are added up"
    await counted.store(void("1"))  # takes from both
    await backfilled(db)
    seen = await aggregates(db)
    assert await kept(db) == {True: 60, False: 60}
    steps = 1
    while await dropped(db):
        steps += 1
        assert await aggregates(db) == seen
    assert steps > 60 // 7 and await kept(db) == {True: 60}
    await counted.fold()
    await counted.take(event("new", "s1", data={"user": "ann"}))
    assert await kept(db) == {True: 60}, "what waited for the fold brings nothing back"
    assert len((await aggregates(db)).uniques) == 60 and not await dropped(db)


async def test_items_of_terms_that_were_never_read_go_too(db: Database, counted: Metering) -> None:
    await changed(db, "users", **OTHERWISE)
    await changed(db, "users", **{**book.USERS, "group_by": ["plan"]})
    await backfilled(db, events_max=20)
    await changed(db, "users", **OTHERWISE)
    await counted.take(event("new", "s1", data={"user": "ann"}))
    await backfilled(db, events_max=20)
    while await dropped(db):
        pass
    assert await kept(db) == {True: 61}
    assert await rows(db, "select * from rating.replaced_terms") == []


async def test_what_was_replaced_before_goes_after_the_upgrade(
    db: Database, counted: Metering, database: TestDatabase
) -> None:
    await changed(db, "users", **OTHERWISE)
    await backfilled(db)
    await downgraded(database, "0020")
    await migrate_all(database.admin_url, database.secret)
    while await dropped(db):
        pass
    assert await kept(db) == {True: 60}


async def dropped(db: Database) -> bool:
    """Whether another share was removed."""
    async with folding(db, Metering(db).context.state.metering.fold) as (uow, _):
        return await upkeep.drop_replaced_items(uow)


async def kept(db: Database) -> dict[bool, int]:
    """Whether readers see them → items."""
    return {row["read"]: row["items"] for row in await rows(db, KEPT)}
