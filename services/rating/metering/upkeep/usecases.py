"""Upkeep: add the months of admission that begin, and report voids whose event never came."""

from datetime import UTC, datetime, timedelta

from services.rating.metering.upkeep.repository import UpkeepRepository
from shared.cases import NewCase, open_exception, resolve_exception
from shared.db.unit_of_work import UnitOfWork
from shared.values.period import month_after

MONTHS_AHEAD = 2
VOIDS_MAX = 500
SUBJECTS_MAX, ITEMS_MAX = 500, 10_000  # of one share of items that go
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


async def replaced_items_left(uow: UnitOfWork) -> bool:
    """Whether items of replaced terms may be left that nobody reads any more."""
    return await UpkeepRepository(uow.connection).replaced_terms() is not None


async def drop_replaced_items(uow: UnitOfWork) -> bool:
    """Remove a share of the items that were counted by terms since replaced; False when none is left. The packed rows
    must be held.

    Readers see the items of the terms in force, or of those before while the new ones are added up: what was replaced
    is read by nobody, final statements included, which are explained from raw events by the versions they name.
    """
    upkeep = UpkeepRepository(uow.connection)
    terms = await upkeep.replaced_terms()
    if terms is None:
        return False
    await upkeep.drop_items(terms, SUBJECTS_MAX, ITEMS_MAX)
    return True
