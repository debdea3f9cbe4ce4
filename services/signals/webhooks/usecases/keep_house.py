"""Measure what waits, let go of deliveries whose time is over."""

from dataclasses import dataclass
from datetime import datetime

from services.signals.webhooks.repository.webhooks import WebhookRepository
from shared.db.unit_of_work import UnitOfWork


@dataclass(frozen=True, slots=True)
class Waits:
    """For how many seconds the oldest undelivered webhook has waited (0: none does), and state → endpoints."""

    oldest_s: float
    endpoints: dict[str, int]


async def measure(uow: UnitOfWork, now: datetime) -> Waits:
    webhooks = WebhookRepository(uow.connection)
    return Waits(await webhooks.oldest_pending_s(now), await webhooks.endpoint_states())


async def forget_deliveries(uow: UnitOfWork, before: datetime, rows_max: int) -> int:
    """Delete at most `rows_max` settled deliveries, with their attempts; return how many."""
    return await WebhookRepository(uow.connection).forget_deliveries(before, rows_max)
