"""GET /v1/freshness, the same in every service: how far it is behind what lies on the bus. Cheap enough to be asked
with every page."""

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter
from pydantic import Field

from shared.bus.waiting import behind
from shared.db.unit_of_work import UnitOfWork
from shared.http.answers import Answer, Instant
from shared.http.keys import requires
from shared.runtime.clock import machine_now
from shared.runtime.context import Ctx
from shared.topics.graph import Hearing

#: When the oldest of what was taken and is not in the figures was received (machine clock); None: all of it is.
Figures = Callable[[UnitOfWork], Awaitable[datetime | None]]


class FreshnessAnswer(Answer):
    """How fresh the figures of a service are."""

    object: Literal["freshness"] = "freshness"
    service: Annotated[str, Field(examples=["rating"])]
    as_of: Instant
    """Business clock"""
    covers_until: Instant | None
    """Machine clock: what was received before is in the figures; null where it is not known"""
    lag_s: Annotated[float | None, Field(ge=0)]
    """How long ago that was, in seconds; 0 while nothing waits, null where it is not known"""
    records: int
    """On the bus and not taken by the service"""


def freshness_router(operation_id: str, scope: str, figures: Figures | None = None) -> APIRouter:
    """The route, for callers with `scope`; `figures`: where taking a record does not yet make it count."""
    router = APIRouter(prefix="/v1/freshness", tags=["Freshness"], dependencies=[requires(scope)])

    @router.get("", operation_id=operation_id, summary="How far the figures are behind what was sent")
    async def get_freshness(context: Ctx) -> FreshnessAnswer:
        now, heard = machine_now(), context.topics_by_group().get(context.name, [])
        untaken = [await behind(context.bus, Hearing(topic, context.name)) for topic in heard]
        since = [one.since for one in untaken if one.records]
        if figures is not None:
            async with context.db.transaction() as uow:
                since += [at for at in [await figures(uow)] if at is not None]
        covers = None if None in since else min([now, *[at for at in since if at is not None]])
        return FreshnessAnswer(
            service=context.name,
            as_of=context.clock.now(),
            covers_until=covers,
            lag_s=None if covers is None else max(0.0, (now - covers).total_seconds()),
            records=sum(one.records for one in untaken),
        )

    return router
