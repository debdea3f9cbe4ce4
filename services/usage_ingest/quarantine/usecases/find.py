"""Find one event of the quarantine, list them, count them."""

from collections.abc import Sequence
from datetime import datetime

from services.usage_ingest.quarantine.repository import QuarantineRepository
from services.usage_ingest.quarantine.rows import (
    Filter,
    Group,
    QuarantinedBytes,
    QuarantinedEvent,
    QuarantineGroup,
)
from shared.db.listing import Window
from shared.db.unit_of_work import UnitOfWork
from shared.errors import AppError, Kind

GROUPS_MAX = 200


class QuarantinedNotFound(AppError):
    """There is no event of this id in the quarantine."""

    kind = Kind.NOT_FOUND


async def find(uow: UnitOfWork, quarantine_id: str) -> QuarantinedBytes:
    """The event's row, its bytes included; raise QuarantinedNotFound when there is none."""
    row = await QuarantineRepository(uow.connection).find(quarantine_id)
    if row is None:
        raise QuarantinedNotFound(f"no event {quarantine_id}; GET /v1/quarantine lists them")
    return row


async def list_events(uow: UnitOfWork, wanted: Filter, window: Window) -> list[QuarantinedEvent]:
    """Events in the order that is asked for, without their bytes."""
    return await QuarantineRepository(uow.connection).page(wanted, window)


async def count_events(uow: UnitOfWork, wanted: Filter) -> int:
    """How many there are, or one more than are counted."""
    return await QuarantineRepository(uow.connection).count(wanted)


async def summary_of(
    uow: UnitOfWork, wanted: Filter, by: Sequence[Group]
) -> tuple[list[QuarantineGroup], int, datetime | None]:
    """The largest groups, one more than GROUPS_MAX; how many events fit, and when the first of them was received."""
    quarantine = QuarantineRepository(uow.connection)
    return await quarantine.groups(wanted, by, GROUPS_MAX + 1), *await quarantine.total(wanted)


async def count_open(uow: UnitOfWork) -> dict[str, int]:
    """Code → how many events are open."""
    return await QuarantineRepository(uow.connection).open_by_code()
