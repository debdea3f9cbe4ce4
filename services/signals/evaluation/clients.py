"""All outbound HTTP of the evaluation: one call to rating."""

import asyncio

import httpx2
import structlog

from services.signals.context import SignalsContext

log = structlog.get_logger()
RETRY_S = 1.0


async def have_activity_told(context: SignalsContext) -> None:
    """Have rating tell the activity of everything it has metered; returns when it is on the bus. A rating
    that is away is waited for."""
    while True:
        try:
            answer = await context.http.post(
                f"{context.settings.rating_url}/v1/activity/tell",
                headers={"Authorization": f"Bearer {context.settings.service_key}"},
            )
            if answer.is_success:
                return
            log.warning("activity_not_told", status=answer.status_code, detail=answer.text[:200])
        except httpx2.HTTPError as fault:
            log.warning("rating_does_not_answer", fault=repr(fault))
        await asyncio.sleep(RETRY_S)
