"""Endpoints as they are stored: URL and secrets sealed with the service's key, opened only to send and for
those who may change them."""

from dataclasses import dataclass

import structlog

from services.signals.domain.urls import masked
from services.signals.webhooks.repository.webhooks import SealedUrl, WebhookRepository
from services.signals.webhooks.rows import EndpointRow, SealedRow
from shared.db.unit_of_work import UnitOfWork
from shared.runtime.clock import machine_now
from shared.sealing import Seal, SealBroken, SealKeyMissing

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Opened:
    """Where to send, and the secrets that sign: the newest, and within the overlap of a rotation the one
    before it."""

    url: str
    secrets: list[str]


def sealed_url(seal: Seal, url: str) -> SealedUrl:
    return SealedUrl(masked(url), seal.seal(url))


def opened(seal: Seal, endpoint: EndpointRow) -> Opened:
    """What sending needs. Raises SealBroken or SealKeyMissing."""
    sealed = [endpoint.sealed_secret]
    until = endpoint.previous_until
    if endpoint.sealed_previous_secret and until is not None and until > machine_now():
        sealed.append(endpoint.sealed_previous_secret)
    return Opened(seal.open(endpoint.sealed_url), [seal.open(one) for one in sealed])


def whole_url(seal: Seal, endpoint: EndpointRow) -> str:
    """The URL for those who may change it; what cannot be opened is shown as to everybody: an endpoint must
    stay mendable."""
    try:
        return seal.open(endpoint.sealed_url)
    except (SealBroken, SealKeyMissing):
        return endpoint.url


async def reseal(uow: UnitOfWork, seal: Seal) -> int:
    """Seal with the newest key what the previous one had sealed; return how many endpoints that was. What
    neither opens is left, and said."""
    webhooks, renewed = WebhookRepository(uow.connection), 0
    for row in await webhooks.all_sealed():
        try:
            anew = _renewed(seal, row)
        except (SealBroken, SealKeyMissing) as fault:
            log.error("webhook_sealed_with_another_key", endpoint=row.endpoint_id, remedy=str(fault))
            continue
        if anew != row:
            await webhooks.reseal(anew)
            renewed += 1
    return renewed


def _renewed(seal: Seal, row: SealedRow) -> SealedRow:
    previous = row.sealed_previous_secret
    return SealedRow(
        row.endpoint_id,
        seal.renewed(row.sealed_url),
        seal.renewed(row.sealed_secret),
        seal.renewed(previous) if previous else previous,
    )
