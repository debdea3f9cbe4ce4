"""Find one event of the quarantine, list them, count them."""

from services.usage_ingest.quarantine.repository import QuarantineRepository
from services.usage_ingest.quarantine.rows import Filter, QuarantinedBytes, QuarantinedEvent
from shared.db.unit_of_work import UnitOfWork
from shared.errors import AppError, Kind


class QuarantinedNotFound(AppError):
    """There is no event of this id in the quarantine."""

    kind = Kind.NOT_FOUND


async def find(uow: UnitOfWork, quarantine_id: str) -> QuarantinedBytes:
    """The event's row, its bytes included; raise QuarantinedNotFound when there is none."""
    row = await QuarantineRepository(uow.connection).find(quarantine_id)
    if row is None:
        raise QuarantinedNotFound(f"no event {quarantine_id}; GET /v1/quarantine lists them")
    return row


async def list_events(
    uow: UnitOfWork, wanted: Filter, before: str | None, rows_max: int
) -> list[QuarantinedEvent]:
    """Newest first, older than the event of id `before`, without their bytes."""
    return await QuarantineRepository(uow.connection).page(wanted, before, rows_max)


async def count_open(uow: UnitOfWork) -> dict[str, int]:
    """Code → how many events are open."""
    return await QuarantineRepository(uow.connection).open_by_code()
