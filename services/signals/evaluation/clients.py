"""All outbound HTTP of the evaluation: what rating is to tell before customers are judged."""

import asyncio
from collections.abc import Sequence
from typing import Any

import httpx2
import structlog

from services.signals.context import SignalsContext
from shared.http.limits import CUSTOMERS_ASKED_MAX

log = structlog.get_logger()
RETRY_S = 1.0
TELLING_S = 120.0


async def have_activity_told(context: SignalsContext) -> None:
    """Have rating tell the activity of everything it has metered; returns when it is on the bus. A rating
    that is away is waited for."""
    await _insist(context, "/v1/activity/tell", None)


async def have_statements_told(context: SignalsContext, customer_ids: Sequence[str]) -> None:
    """Have rating price what is added up of these customers and tell their statements; returns when they are on the
    bus. A rating that is away is waited for. Whoever wants what was only metered has activity told first."""
    for start in range(0, len(customer_ids), CUSTOMERS_ASKED_MAX):
        named = {"customers": customer_ids[start : start + CUSTOMERS_ASKED_MAX]}
        await _insist(context, "/v1/statements/tell", named)


async def _insist(context: SignalsContext, path: str, body: dict[str, Any] | None) -> None:
    while True:
        try:
            answer = await context.http.post(
                f"{context.settings.rating_url}{path}",
                json=body,
                headers={"Authorization": f"Bearer {context.settings.service_key}"},
                timeout=TELLING_S,
            )
            if answer.is_success:
                return
            log.warning(
                "rating_does_not_tell", path=path, status=answer.status_code, detail=answer.text[:200]
            )
        except httpx2.HTTPError as fault:
            log.warning("rating_does_not_answer", fault=repr(fault))
        await asyncio.sleep(RETRY_S)
