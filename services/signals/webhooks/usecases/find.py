"""List endpoints and deliveries, find one delivery."""

from datetime import datetime, timedelta

from services.signals.webhooks.repository.webhooks import WebhookRepository
from services.signals.webhooks.rows import AttemptRow, DeliveryFilter, EndpointRow, HealthRow, LoggedDelivery
from services.signals.webhooks.usecases.manage_endpoints import FactNotFound, known_endpoint
from shared.db.unit_of_work import UnitOfWork

HEALTH_OVER = timedelta(days=7)


async def list_endpoints(uow: UnitOfWork, after: str, rows_max: int) -> list[EndpointRow]:
    """Return endpoints by id, after this one."""
    return await WebhookRepository(uow.connection).endpoints(after, rows_max)


async def list_deliveries(
    uow: UnitOfWork, endpoint_id: str, state: str | None, before: str | None, rows_max: int
) -> list[LoggedDelivery]:
    """Return the endpoint's deliveries, the newest first, older than the one of id `before`; raise
    EndpointNotFound."""
    await known_endpoint(uow, endpoint_id)
    return await list_all_deliveries(uow, DeliveryFilter(endpoint_id, state=state), before, rows_max)


async def list_all_deliveries(
    uow: UnitOfWork, wanted: DeliveryFilter, before: str | None, rows_max: int
) -> list[LoggedDelivery]:
    """Return deliveries of all endpoints, the newest first, older than the one of id `before`."""
    return await WebhookRepository(uow.connection).deliveries(wanted, before, rows_max)


async def list_health(uow: UnitOfWork, after: str, rows_max: int, now: datetime) -> list[HealthRow]:
    """Return how endpoints did in the last seven days, by id, after this one."""
    return await WebhookRepository(uow.connection).health(after, rows_max, now - HEALTH_OVER)


async def find_delivery(uow: UnitOfWork, delivery_id: str) -> tuple[LoggedDelivery, list[AttemptRow]]:
    """Return a delivery and its attempts, or raise FactNotFound."""
    webhooks = WebhookRepository(uow.connection)
    found = await webhooks.delivery(delivery_id)
    if found is None:
        raise FactNotFound(f"no delivery {delivery_id!r}")
    return found, await webhooks.attempts(delivery_id)
