"""Tell hours, and what days saw, each to the customer its subject means now."""

import hashlib
from collections.abc import Sequence

from services.rating.metering.activity.domain import DAY_HOURS, ActiveHour, ActiveItems, day_of
from services.rating.metering.activity.repository import ActivityRepository
from shared.db.unit_of_work import UnitOfWork
from shared.topics.rating import ACTIVITY, ActivityMessage
from shared.values.decimals import plain

VALUES_MAX = 1000


async def tell(
    uow: UnitOfWork, hours: Sequence[ActiveHour], days: Sequence[ActiveItems], revision: int
) -> int:
    """Tell these, whole; return how many messages that takes. The epoch must be held: what is told later has a
    higher revision."""
    subjects = sorted({hour.subject for hour in hours} | {day.subject for day in days})
    customers = await ActivityRepository(uow.connection).customers(subjects) if subjects else {}
    for hour in hours:
        customer_id, customer = customers.get(hour.subject, (None, None))
        message = ActivityMessage(
            subject=hour.subject,
            meter=hour.meter,
            day=day_of(hour.hour).isoformat(),
            revision=revision,
            customer_id=customer_id,
            customer=customer,
            last_seen_us=hour.last_seen_us,
            hour=hour.hour % DAY_HOURS,
            events=hour.events,
            value=plain(hour.value),
        )
        uow.tell(ACTIVITY, message)
    for day in days:
        customer_id, customer = customers.get(day.subject, (None, None))
        message = ActivityMessage(
            subject=day.subject,
            meter=day.meter,
            day=day.day.isoformat(),
            revision=revision,
            customer_id=customer_id,
            customer=customer,
            last_seen_us=day.last_seen_us,
            values=tuple(map(_hashed, sorted(day.items)[:VALUES_MAX])),
        )
        uow.tell(ACTIVITY, message)
    return len(hours) + len(days)


def _hashed(item: str) -> str:
    return hashlib.sha256(item.encode()).hexdigest()[:16]
