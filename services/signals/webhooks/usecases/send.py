"""One lane an endpoint: its attempts wait for nobody else's, and start in order. A lane is owned by one
process at a time, by a lease."""

import asyncio
from typing import Protocol

import structlog

from services.signals.context import SignalsState
from services.signals.domain.payload import Event
from services.signals.settings import SignalsSettings
from services.signals.webhooks.clients.attempt import sender
from services.signals.webhooks.repository.webhooks import WebhookRepository
from services.signals.webhooks.rows import Delivery
from services.signals.webhooks.usecases.record_attempt import disable, record
from services.signals.webhooks.usecases.seal import opened
from shared.db.unit_of_work import OUTAGES
from shared.runtime import failpoints
from shared.runtime.clock import machine_now
from shared.runtime.context import Context, Foundation, FromRequest
from shared.sealing import Seal, SealBroken, SealKeyMissing

log = structlog.get_logger()
WAIT_S = 0.25


class Lanes:
    """The lanes of this process."""

    def __init__(self, foundation: Foundation[SignalsSettings], seal: Seal) -> None:
        settings = foundation.settings
        self._db, self._clock, self._instance_id = foundation.db, foundation.clock, foundation.instance_id
        self._settings, self._seal = settings, seal
        self._sender = sender(settings.webhook_allow_local, settings.webhook_timeout_s)
        self._running: dict[str, asyncio.Task[None]] = {}

    async def start_due(self) -> None:
        """Start a lane for each endpoint with something due, unless one runs."""
        async with self._db.transaction() as uow:
            due = await WebhookRepository(uow.connection).endpoints_due(self._clock.now())
        self._running = {endpoint: task for endpoint, task in self._running.items() if not task.done()}
        for endpoint in due:
            if endpoint not in self._running:
                self._running[endpoint] = asyncio.create_task(
                    self._run(endpoint), name=f"webhooks-{endpoint}"
                )

    async def stop(self) -> None:
        for task in self._running.values():
            task.cancel()
        await asyncio.gather(*self._running.values(), return_exceptions=True)

    async def _run(self, endpoint_id: str) -> None:
        """Send what is due until nothing is. What an outage leaves unrecorded is sent again, with the same
        id."""
        under_way: dict[str, asyncio.Task[None]] = {}
        try:
            while await self._fill(endpoint_id, under_way) or under_way:
                await asyncio.wait(under_way.values(), timeout=WAIT_S, return_when=asyncio.FIRST_COMPLETED)
                for delivery_id in [name for name, task in under_way.items() if task.done()]:
                    under_way.pop(delivery_id).result()
            async with self._db.transaction() as uow:
                await WebhookRepository(uow.connection).leave_lane(endpoint_id, self._instance_id)
        except OUTAGES as fault:
            log.warning("webhook_lane_waits", endpoint=endpoint_id, fault=repr(fault))
        except Exception:
            log.exception("webhook_lane_failed", endpoint=endpoint_id)
        finally:
            for task in under_way.values():
                task.cancel()
            await asyncio.gather(*under_way.values(), return_exceptions=True)

    async def _fill(self, endpoint_id: str, under_way: dict[str, asyncio.Task[None]]) -> bool:
        """Start attempts in order while there is room; False when the lane is not ours or nothing is due."""
        async with self._db.transaction() as uow:
            webhooks = WebhookRepository(uow.connection)
            endpoint = await webhooks.take_lane(
                endpoint_id, self._instance_id, self._settings.webhook_lease_s
            )
            room = self._settings.webhook_concurrency - len(under_way)
            found = (
                await webhooks.due(endpoint_id, self._clock.now(), list(under_way), room)
                if endpoint is not None and room
                else []
            )
        if not found or endpoint is None:
            return False
        try:
            to = opened(self._seal, endpoint)
        except (SealBroken, SealKeyMissing) as fault:
            async with self._db.transaction() as uow:
                await disable(
                    uow,
                    endpoint_id,
                    f"its URL and secret cannot be opened: {fault}",
                    self._clock.now(),
                )
            return False
        for delivery in found:
            under_way[delivery.delivery_id] = asyncio.create_task(
                self._attempt(to.url, endpoint.format, to.secrets, delivery)
            )
        return True

    async def _attempt(self, url: str, format: str, secrets: list[str], delivery: Delivery) -> None:
        event = Event(
            delivery.signal_id,
            delivery.type,
            delivery.customer,
            delivery.contract,
            delivery.occurred_at,
            delivery.sequence,
            delivery.data,
        )
        attempted = await self._sender.send(url, format, secrets, event, machine_now())
        failpoints.reach("webhook.after_send")
        async with self._db.transaction() as uow:
            await record(uow, delivery, attempted, self._clock.now())


class WebhooksState(SignalsState, Protocol):
    """The part of the service's state that webhooks use."""

    @property
    def seal(self) -> Seal: ...

    @property
    def lanes(self) -> Lanes: ...


WebhooksContext = Context[SignalsSettings, WebhooksState]
Ctx = FromRequest[WebhooksContext]
