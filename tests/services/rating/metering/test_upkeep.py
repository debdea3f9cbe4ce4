"""Partitions for the months to come, and voids whose event never came."""

from datetime import UTC, datetime, timedelta

from services.rating.metering.upkeep.usecases import add_months, report_lonely_voids
from shared.db.unit_of_work import Database
from tests.services.rating.metering.batches import NOW, Metering, event, void
from tests.services.rating.metering.book import rows


async def test_months_ahead_are_made_and_take_what_is_received_in_them(
    db: Database, metering: Metering
) -> None:
    later = datetime(2031, 12, 5, tzinfo=UTC)
    for _ in range(2):
        async with db.transaction() as uow:
            await add_months(uow, later)
    await metering.take(
        event("1", received=datetime(2032, 1, 31, 23, tzinfo=UTC)),
        event("2", received=datetime(2020, 1, 1, tzinfo=UTC)),
    )
    found = await rows(db, "select tableoid::regclass::text as part, id from rating.events order by id")
    assert [(row["part"].removeprefix("rating."), row["id"]) for row in found] == [
        ("events_2032_01", "1"),
        ("events_other", "2"),
    ]


async def test_a_month_whose_events_lie_in_the_default_partition_is_left_there(
    db: Database, metering: Metering
) -> None:
    await metering.take(event("1", received=datetime(2031, 12, 7, tzinfo=UTC)))
    async with db.transaction() as uow:
        await add_months(uow, datetime(2031, 12, 5, tzinfo=UTC))
    made = await rows(
        db, "select relname from pg_class where relname like 'events\\_203%' and relkind = 'r' order by 1"
    )
    assert [row["relname"] for row in made] == ["events_2032_01", "events_2032_02"]


async def test_a_void_that_waits_too_long_is_an_exception_until_its_event_comes(
    db: Database, metering: Metering
) -> None:
    await metering.take(void("never"), void("soon", received=NOW + timedelta(days=6)))
    for _ in range(2):
        async with db.transaction() as uow:
            await report_lonely_voids(uow, NOW + timedelta(days=8), NOW, 7)
    opened = await rows(db, "select kind, detail, resolved_at from rating.exceptions")
    assert len(opened) == 1 and "(app, never)" in opened[0]["detail"] and opened[0]["resolved_at"] is None
    await metering.take(event("never"))
    async with db.transaction() as uow:
        await report_lonely_voids(uow, NOW + timedelta(days=9), NOW, 7)
    assert (await rows(db, "select resolved_at from rating.exceptions"))[0]["resolved_at"] == NOW
