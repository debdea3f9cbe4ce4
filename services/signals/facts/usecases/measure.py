"""Say how long facts waited for somebody, and for what came of them."""

from datetime import datetime, timedelta
from typing import Final

from services.signals.domain.event_types import EVENT_TYPES
from services.signals.facts.repository import FactRepository
from services.signals.facts.rows import SeatTimes
from shared.db.unit_of_work import UnitOfWork

#: What became true longer ago says little of how work is done now.
OF_LAST: Final = timedelta(days=365)


async def times_by_seat(uow: UnitOfWork, now: datetime) -> list[SeatTimes]:
    """Return the medians of the last year, by the seat that a fact is meant for."""
    seats = {name: event.seat for name, event in EVENT_TYPES.items()}
    return await FactRepository(uow.connection).times(seats, now - OF_LAST)
