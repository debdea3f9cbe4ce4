"""What stands in the frame of every page, asked for once a second however many pages are opened."""

import asyncio
import time
from collections.abc import Coroutine, Mapping
from typing import Any, Final, TypeVar

from services.console.context import Asked, ConsoleContext
from services.console.domain.visit import Visit
from services.console.upstream.clients import REMEDY, Services
from services.console.upstream.domain.faults import ServiceRefused
from services.console.upstream.domain.told import Query, Service, Silent, Told, read

T = TypeVar("T")
KEPT_S: Final = 1.0
#: No page waits longer for what stands around it.
SEEN_S: Final = 1.0


async def seen(
    context: ConsoleContext, visit: Visit, kind: type[T], service: Service, path: str, **query: Query
) -> T | Silent:
    """A glance for the frame, which no page waits for or fails by: what is late or not understood is silent too."""
    try:
        async with asyncio.timeout(SEEN_S):
            told = await glance(context, visit, service, path, **query)
    except TimeoutError:
        return Silent(service, f"{service} did not answer in time", REMEDY)
    return told if isinstance(told, Silent) else read(told, kind)


async def glance(
    context: ConsoleContext, visit: Visit, service: Service, path: str, **query: Query
) -> Told | Silent:
    """The answer to a question that is the same for everybody of a role; what is refused is silent too. While it is
    asked nobody asks it beside them."""
    key, now = f"{visit.role} {service} {path} {sorted(query.items())}", time.monotonic()
    kept = context.asked.get(key)
    if kept is None or (kept.until <= now and kept.answer.done()):
        kept = Asked(_begun(_told(Services(context, visit), service, path, query)), now + KEPT_S)
        context.asked[key] = kept
    # who gives up waiting does not end it for the others
    told: Told | Silent = await asyncio.shield(kept.answer)
    return told


async def _told(services: Services, service: Service, path: str, query: Mapping[str, Query]) -> Told | Silent:
    try:
        return await services.get(service, path, **query)
    except ServiceRefused as refused:
        return Silent(service, refused.title, refused.detail)


def _begun(asking: Coroutine[Any, Any, Told | Silent]) -> "asyncio.Task[Told | Silent]":
    return asyncio.create_task(asking, name="frame")
