"""Keep receipts, list the hours they add up to, and let go of them when their time is over."""

from collections.abc import Sequence
from datetime import datetime

from services.usage_ingest.receipts.repository import ReceiptRepository
from services.usage_ingest.receipts.rows import DoorFilter, DoorHour
from shared.db.unit_of_work import UnitOfWork
from shared.topics.usage_ingest import ReceiptMessage


async def keep(uow: UnitOfWork, receipts: Sequence[ReceiptMessage]) -> int:
    """Store and sum up what is absent; return how many that was."""
    return await ReceiptRepository(uow.connection).store(receipts)


async def list_door_hours(
    uow: UnitOfWork, wanted: DoorFilter, after: tuple[datetime, str, str] | None, rows_max: int
) -> list[DoorHour]:
    """Sums by hour, key and source, in that order, after the one named."""
    return await ReceiptRepository(uow.connection).door(wanted, after, rows_max)


async def forget(uow: UnitOfWork, before: datetime, rows_max: int) -> int:
    """Let whole hours before `before` be counted by their sums, and delete at most `rows_max` of their
    receipts; return how many."""
    return await ReceiptRepository(uow.connection).forget(before, rows_max)
