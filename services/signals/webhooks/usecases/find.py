"""List endpoints and deliveries, find one delivery."""

from services.signals.webhooks.repository.webhooks import WebhookRepository
from services.signals.webhooks.rows import AttemptRow, EndpointRow, LoggedDelivery
from services.signals.webhooks.usecases.manage_endpoints import FactNotFound, known_endpoint
from shared.db.unit_of_work import UnitOfWork


async def list_endpoints(uow: UnitOfWork, after: str, rows_max: int) -> list[EndpointRow]:
    """Return endpoints by id, after this one."""
    return await WebhookRepository(uow.connection).endpoints(after, rows_max)


async def list_deliveries(
    uow: UnitOfWork, endpoint_id: str, state: str | None, before: str | None, rows_max: int
) -> list[LoggedDelivery]:
    """Return the endpoint's deliveries, the newest first, older than the one of id `before`; raise
    EndpointNotFound."""
    await known_endpoint(uow, endpoint_id)
    return await WebhookRepository(uow.connection).deliveries(endpoint_id, state, before, rows_max)


async def find_delivery(uow: UnitOfWork, delivery_id: str) -> tuple[LoggedDelivery, list[AttemptRow]]:
    """Return a delivery and its attempts, or raise FactNotFound."""
    webhooks = WebhookRepository(uow.connection)
    found = await webhooks.delivery(delivery_id)
    if found is None:
        raise FactNotFound(f"no delivery {delivery_id!r}")
    return found, await webhooks.attempts(delivery_id)
