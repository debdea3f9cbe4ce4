"""Routes of the door: events, voids, corrections. The bytes are read by the domain, not by FastAPI: no object an event beyond decoding."""

from typing import Annotated

import msgspec
from fastapi import APIRouter, Query, Request, Response

from services.usage_ingest.domain.acceptance import Acceptance
from services.usage_ingest.domain.voids import read_correction, read_voids
from services.usage_ingest.door import documented, usecases
from services.usage_ingest.door.body import announced_bytes, read_body
from services.usage_ingest.door.capacity import Capacity
from services.usage_ingest.door.media import check_json, framing_of
from services.usage_ingest.door.refusals import counted
from shared.http.keys import AccessKey, requires
from shared.service import Context, Ctx

router = APIRouter(prefix="/v1/events", tags=["Usage"])
Producer = Annotated[AccessKey, requires("usage:write")]
DryRun = Annotated[bool, Query(description="Validate only: nothing is published or kept")]


@router.post("", operation_id="send_events", status_code=202, responses=documented.ACCEPTED, openapi_extra=documented.EVENTS_BODY,
             summary="Take CloudEvents: one, a batch, or NDJSON; gzip welcome")
async def send_events(request: Request, context: Ctx, producer: Producer, dry_run: DryRun = False) -> Response:
    with counted(context, producer.key_id):
        framing = framing_of(request.headers.get("content-type"))
        with capacity_of(context).admit(announced_bytes(request)):
            events = framing(await read_body(request))
            acceptance = await usecases.accept_events(context, producer, events, request.scope["u2c_trace"], dry_run=dry_run)
    return answer(acceptance)


@router.post("/void", operation_id="void_events", status_code=202, responses=documented.ACCEPTED, openapi_extra=documented.VOIDS_BODY,
             summary="Void events by source and id, one or up to 10,000; a void may come before its event")
async def void_events(request: Request, context: Ctx, producer: Producer, dry_run: DryRun = False) -> Response:
    with counted(context, producer.key_id):
        check_json(request.headers.get("content-type"))
        with capacity_of(context).admit(announced_bytes(request)):
            names = read_voids(await read_body(request))
            acceptance = await usecases.accept_voids(context, producer, names, request.scope["u2c_trace"], dry_run=dry_run)
    return answer(acceptance)


@router.post("/correct", operation_id="correct_event", status_code=202, responses=documented.ACCEPTED, openapi_extra=documented.CORRECTION_BODY,
             summary="Void a wrong event and send the right one, under a new id, in one call")
async def correct_event(request: Request, context: Ctx, producer: Producer) -> Response:
    with counted(context, producer.key_id):
        check_json(request.headers.get("content-type"))
        with capacity_of(context).admit(announced_bytes(request)):
            correction = read_correction(await read_body(request))
            acceptance = await usecases.correct(context, producer, correction, request.scope["u2c_trace"])
    return answer(acceptance)


def capacity_of(context: Context) -> Capacity:
    capacity: Capacity = context.state["capacity"]
    return capacity


def answer(acceptance: Acceptance) -> Response:
    """202: each count, and each event that is not plainly accepted."""
    body = {
        "accepted": acceptance.accepted, "results": sorted(acceptance.results, key=lambda result: result.index),
        "received": acceptance.received, "published": len(acceptance.published), "quarantined": len(acceptance.quarantined),
    }
    return Response(msgspec.json.encode(body), 202, media_type="application/json")
