"""Record an attempt: delivered, put back by the schedule, or given up, and an endpoint that is gone or
dead disabled with notice."""

import random
from datetime import datetime, timedelta

from prometheus_client import Counter

from services.signals.domain.fact import Fact
from services.signals.domain.retry import GONE, is_success, next_delay, retry_after_s
from services.signals.facts.usecases.tell import Told, tell
from services.signals.webhooks.clients.attempt import Attempted
from services.signals.webhooks.repository.webhooks import WebhookRepository
from services.signals.webhooks.rows import Delivery
from shared.cases import NewCase, open_exception
from shared.db.unit_of_work import UnitOfWork

ATTEMPTS = Counter("u2c_webhook_attempts_total", "Webhook attempts recorded", ["outcome"])
FIRST_FAILURE_WITHIN = timedelta(minutes=10)
OWNER = "customer success"


async def record(uow: UnitOfWork, delivery: Delivery, attempted: Attempted, now: datetime) -> None:
    """Log an attempt and move its delivery on. One of a round that is over, because a replay was asked for
    meanwhile, changes nothing: the replay stays due."""
    webhooks = WebhookRepository(uow.connection)
    await webhooks.record(delivery, attempted, delivery.attempts + 1, now)
    ATTEMPTS.labels(
        "delivered"
        if is_success(attempted.status)
        else "no_answer"
        if attempted.status is None
        else "refused"
    ).inc()
    if not await webhooks.is_current(delivery):
        return
    if is_success(attempted.status):
        await webhooks.note_delivered(delivery, now)
        return
    delay = next_delay(
        delivery.attempts + 1, random.random(), retry_after_s(attempted.status, attempted.retry_after)
    )
    gone = attempted.status == GONE
    since = await webhooks.note_failed(delivery, now + delay if delay is not None and not gone else None, now)
    if delay is None:
        detail = f"{delivery.type} of {delivery.customer} was tried {delivery.attempts + 1} times; replay signal {delivery.signal_id}."
        await open_exception(uow, NewCase("webhook_given_up", delivery.delivery_id, detail, OWNER), now)
    if gone:
        await disable(uow, delivery.endpoint_id, "it answered 410 Gone", now)
    elif delay is None and since <= delivery.created_at + FIRST_FAILURE_WITHIN:
        await disable(
            uow,
            delivery.endpoint_id,
            f"it has failed since {since.isoformat()}, for the whole retry schedule",
            now,
        )


async def disable(uow: UnitOfWork, endpoint_id: str, reason: str, now: datetime) -> None:
    """Disable an endpoint and say so: an exception with an owner, and a fact for the other endpoints. What it
    missed is replayed later."""
    webhooks = WebhookRepository(uow.connection)
    endpoint = await webhooks.endpoint(endpoint_id, lock=True)
    if endpoint is None or not await webhooks.disable(endpoint_id, reason, now):
        return
    detail = f"{endpoint.url}: {reason}. Mend it, enable it with POST /v1/webhook-endpoints/{endpoint_id}/enable, then replay what it missed."
    await open_exception(uow, NewCase("webhook_endpoint_disabled", endpoint_id, detail, OWNER), now)
    data = {"endpoint": endpoint_id, "url": endpoint.url, "reason": reason}
    await tell(
        uow,
        [
            Told(
                "",
                endpoint_id,
                now,
                Fact("webhook.disabled", (endpoint_id, now.isoformat()), now.date(), data),
            )
        ],
        now,
    )
