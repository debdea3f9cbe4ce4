"""Endpoints: create, change, delete, rotate, enable, test and replay."""

import asyncio
import base64
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from services.signals.domain.event_types import SUBSCRIBABLE
from services.signals.domain.fact import derived_id
from services.signals.facts.repository import FactRepository
from services.signals.facts.rows import StoredFact
from services.signals.webhooks.clients.guard import AddressRefused, Guard
from services.signals.webhooks.domain.target import UrlRefused, target_of
from services.signals.webhooks.repository.webhooks import WebhookRepository
from services.signals.webhooks.rows import EndpointRow, Format, NewEndpoint
from services.signals.webhooks.usecases.queue_deliveries import queue_for
from services.signals.webhooks.usecases.seal import sealed_url
from shared.cases import resolve_exception
from shared.db.unit_of_work import UnitOfWork
from shared.errors import AppError, Kind
from shared.runtime.clock import machine_now
from shared.sealing import Seal
from shared.values.ids import new_id

SECRET_BYTES = 32
RESOLVE_TIMEOUT_S = 3.0
REPLAY_MAX = 10_000
ALL = "*"
TESTER = "test"


class EndpointNotFound(AppError):
    """There is no webhook endpoint with this id; list them with GET /v1/webhook-endpoints."""

    kind = Kind.NOT_FOUND


class EventTypeUnknown(AppError):
    """An endpoint asks for known event types, or for all by `*`."""


class EndpointDisabled(AppError):
    """This endpoint is disabled; enable it first."""

    kind = Kind.CONFLICT


class FactNotFound(AppError):
    """There is no signal with this id; list them with GET /v1/signals."""

    kind = Kind.NOT_FOUND


@dataclass(frozen=True, slots=True)
class EndpointTerms:
    url: str
    events: Sequence[str]
    description: str = ""
    format: Format = "standard"


async def check(terms: EndpointTerms, allow_local: bool) -> None:
    """Refuse an unknown event type and a URL that must not be called. A host that has no address yet is
    taken: every connect checks again."""
    unknown = [event for event in terms.events if event != ALL and event not in SUBSCRIBABLE]
    if unknown or not terms.events:
        raise EventTypeUnknown(f"{', '.join(unknown) or 'none'}; known are {', '.join(SUBSCRIBABLE)}")
    target = target_of(terms.url, allow_local)
    try:
        async with asyncio.timeout(RESOLVE_TIMEOUT_S):
            await Guard(allow_local).judged(target.host, target.port)
    except AddressRefused as fault:
        raise UrlRefused(str(fault)) from fault
    except (OSError, UnicodeError, TimeoutError):
        return


async def create_endpoint(
    uow: UnitOfWork, terms: EndpointTerms, seal: Seal, now: datetime
) -> tuple[str, str]:
    """Return the id and the secret; the secret is never shown again."""
    endpoint_id, secret, url = new_id("whe"), new_secret(), sealed_url(seal, terms.url)
    await WebhookRepository(uow.connection).add_endpoint(
        NewEndpoint(
            endpoint_id,
            url.shown,
            url.sealed,
            terms.description,
            terms.events,
            terms.format,
            seal.seal(secret),
            now,
        )
    )
    return endpoint_id, secret


async def change_endpoint(uow: UnitOfWork, endpoint_id: str, terms: EndpointTerms, seal: Seal) -> None:
    await known_endpoint(uow, endpoint_id, lock=True)
    await WebhookRepository(uow.connection).change_endpoint(
        endpoint_id, sealed_url(seal, terms.url), terms.description, terms.events, terms.format
    )


async def delete_endpoint(uow: UnitOfWork, endpoint_id: str) -> None:
    """Delete it and what waits for it."""
    await known_endpoint(uow, endpoint_id, lock=True)
    await WebhookRepository(uow.connection).delete_endpoint(endpoint_id)


async def rotate_secret(
    uow: UnitOfWork, endpoint_id: str, overlap_hours: int, seal: Seal
) -> tuple[str, datetime]:
    """Return the new secret, and until when the old one signs too (machine clock)."""
    await known_endpoint(uow, endpoint_id, lock=True)
    secret, until = new_secret(), machine_now() + timedelta(hours=overlap_hours)
    await WebhookRepository(uow.connection).rotate(endpoint_id, seal.seal(secret), until)
    return secret, until


async def enable_endpoint(uow: UnitOfWork, endpoint_id: str, now: datetime) -> None:
    await known_endpoint(uow, endpoint_id, lock=True)
    await WebhookRepository(uow.connection).enable(endpoint_id)
    await resolve_exception(uow, "webhook_endpoint_disabled", endpoint_id, now)


async def send_test(uow: UnitOfWork, endpoint_id: str, now: datetime) -> str:
    """Queue a test event for this endpoint alone; return its id."""
    await _enabled(uow, endpoint_id)
    facts = FactRepository(uow.connection)
    await facts.lock_sequences([TESTER])
    sequence = (await facts.take_sequences({TESTER: 1}))[TESTER]
    fact = StoredFact(
        derived_id("webhook.test", new_id("tst")),
        "webhook.test",
        "",
        TESTER,
        None,
        now.date(),
        now,
        sequence,
        {"message": "If you can verify this, you can verify all."},
    )
    await facts.store([fact])
    await queue_for(uow, [(endpoint_id, fact)], now)
    return fact.signal_id


async def replay_one(uow: UnitOfWork, endpoint_id: str, signal_id: str, now: datetime) -> int:
    """Queue one fact again, whatever became of it, under the same id."""
    await _enabled(uow, endpoint_id)
    fact = await FactRepository(uow.connection).fact(signal_id)
    if fact is None:
        raise FactNotFound(f"no signal {signal_id!r}")
    await queue_for(uow, [(endpoint_id, fact)], now)
    return 1


async def replay_range(
    uow: UnitOfWork, endpoint_id: str, since: datetime, until: datetime, now: datetime
) -> int:
    """Queue again all facts of [since, until) that the endpoint asks for; return how many."""
    endpoint = await _enabled(uow, endpoint_id)
    facts = await WebhookRepository(uow.connection).facts_to_replay(
        since, until, endpoint.events, REPLAY_MAX + 1
    )
    if len(facts) > REPLAY_MAX:
        raise ReplayTooLarge(f"more than {REPLAY_MAX} signals lie between; replay a shorter range")
    await queue_for(uow, [(endpoint_id, fact) for fact in facts], now)
    return len(facts)


class ReplayTooLarge(AppError):
    """A replay takes a bounded number of signals."""


async def known_endpoint(uow: UnitOfWork, endpoint_id: str, *, lock: bool = False) -> EndpointRow:
    found = await WebhookRepository(uow.connection).endpoint(endpoint_id, lock=lock)
    if found is None:
        raise EndpointNotFound(f"no endpoint {endpoint_id!r}")
    return found


async def _enabled(uow: UnitOfWork, endpoint_id: str) -> EndpointRow:
    endpoint = await known_endpoint(uow, endpoint_id)
    if endpoint.state != "enabled":
        raise EndpointDisabled(f"{endpoint.disabled_reason}; POST /v1/webhook-endpoints/{endpoint_id}/enable")
    return endpoint


def new_secret() -> str:
    return "whsec_" + base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode()
