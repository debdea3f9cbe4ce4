"""Upkeep: add the months of admission that begin, and report voids whose event never came."""

from datetime import UTC, datetime, timedelta

from services.rating.metering.upkeep.repository import UpkeepRepository
from shared.cases import NewCase, open_exception, resolve_exception
from shared.db.unit_of_work import UnitOfWork
from shared.values.period import month_after

MONTHS_AHEAD = 2
VOIDS_MAX = 500
VOID_WITHOUT_EVENT = "void_without_event"


async def add_months(uow: UnitOfWork, machine_now: datetime) -> None:
    """Make the partitions of this month and the next ones."""
    upkeep = UpkeepRepository(uow.connection)
    first = machine_now.astimezone(UTC).date().replace(day=1)
    for _ in range(MONTHS_AHEAD + 1):
        await upkeep.add_month(first)
        first = month_after(first)


async def report_lonely_voids(uow: UnitOfWork, machine_now: datetime, now: datetime, wait_days: int) -> None:
    """Open an exception for each void that waited too long for its event, and close those whose event came
    after all."""
    upkeep = UpkeepRepository(uow.connection)
    for void in await upkeep.lonely_voids(machine_now - timedelta(days=wait_days), VOIDS_MAX):
        await open_exception(
            uow,
            NewCase(
                VOID_WITHOUT_EVENT,
                void.key.hex(),
                f"The void of ({void.source}, {void.id}) has waited {wait_days} days for its event; it stays in "
                f"force. Check the id, or send the event.",
                owner="metering",
            ),
            now,
        )
    for reference in await upkeep.met_since():
        await resolve_exception(uow, VOID_WITHOUT_EVENT, reference, now)
