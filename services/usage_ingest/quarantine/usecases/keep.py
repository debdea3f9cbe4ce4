"""Keep events that could not be taken."""

from collections.abc import Sequence

from services.usage_ingest.quarantine.repository import QuarantineRepository
from shared.db.unit_of_work import UnitOfWork
from shared.topics.usage_ingest import QuarantineMessage


async def keep(uow: UnitOfWork, events: Sequence[QuarantineMessage]) -> int:
    """Store what is absent; return how many that was."""
    return await QuarantineRepository(uow.connection).store(events)
