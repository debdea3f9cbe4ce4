"""Routes of the door: events, voids, corrections. The bytes are read by the domain, not by FastAPI: no object
an event beyond decoding."""

from typing import Annotated

import msgspec
from fastapi import APIRouter, Query, Request, Response

from services.usage_ingest.domain.acceptance import Acceptance
from services.usage_ingest.domain.framing import BodyMalformed, EventTooLarge, NestingTooDeep, TooManyEvents
from services.usage_ingest.domain.limits import EVENTS_MAX
from services.usage_ingest.domain.voids import VoidInvalid, read_correction, read_voids
from services.usage_ingest.door.answers import ACCEPTED, INGESTED
from services.usage_ingest.door.memory import Ctx, DoorContext, DoorFull
from services.usage_ingest.door.requests import documented
from services.usage_ingest.door.requests.aside import taken_apart
from services.usage_ingest.door.requests.body import (
    EncodingUnsupported,
    GzipBroken,
    announced_bytes,
    read_body,
)
from services.usage_ingest.door.requests.media import (
    ContentModeAmbiguous,
    MediaTypeUnsupported,
    check_json,
    framing_of,
)
from services.usage_ingest.door.usecases import accept as usecases
from services.usage_ingest.door.usecases.accept import CorrectionKeepsId, CorrectionRefused
from services.usage_ingest.door.usecases.count_refusals import counted
from services.usage_ingest.keys.usecases.refuse_foreign_sources import SourceNotYours
from shared.errors import refuses
from shared.http.changes import changes_nothing
from shared.http.keys import AccessKey, requires

router = APIRouter(prefix="/v1/events", tags=["Usage"])
openmeter = APIRouter(prefix="/api/v1/events", tags=["Usage"])
#: A 204 has no body to say it in.
QUARANTINED = "U2C-Quarantined"
#: Usage is data, not an act: an event and a void say themselves what happened, once however often they come, and
#: receipts count for good by which key.
USAGE = "it takes usage, which is kept itself, and receipts say by which key it came"
BODY = (
    EncodingUnsupported,
    GzipBroken,
    MediaTypeUnsupported,
    NestingTooDeep,
    TooManyEvents,
    DoorFull,
    SourceNotYours,
)
EVENTS = (*BODY, BodyMalformed, ContentModeAmbiguous, EventTooLarge)
Producer = Annotated[AccessKey, requires("usage:write")]
DryRun = Annotated[bool, Query(description="Validate only: nothing is published or kept")]


@router.post(
    "",
    operation_id="send_events",
    status_code=202,
    responses=ACCEPTED,
    openapi_extra=documented.EVENTS_BODY,
    summary="Take CloudEvents: one, a batch, NDJSON, or one in binary mode; gzip welcome",
    description=documented.MODES,
)
@refuses(*EVENTS)
@changes_nothing(USAGE)
async def send_events(
    request: Request, context: Ctx, producer: Producer, dry_run: DryRun = False
) -> Response:
    return answer(await take_events(request, context, producer, dry_run=dry_run))


@openmeter.post(
    "",
    operation_id="ingest_events",
    status_code=204,
    responses=INGESTED,
    openapi_extra=documented.EVENTS_BODY,
    summary="The same door as OpenMeter's SDKs call it",
    description=documented.AS_OPENMETER,
)
@refuses(*EVENTS)
@changes_nothing(USAGE)
async def ingest_events(request: Request, context: Ctx, producer: Producer) -> Response:
    quarantined = len((await take_events(request, context, producer)).quarantined)
    return Response(status_code=204, headers={QUARANTINED: str(quarantined)} if quarantined else None)


@router.post(
    "/void",
    operation_id="void_events",
    status_code=202,
    responses=ACCEPTED,
    openapi_extra=documented.VOIDS_BODY,
    summary=f"Void events by source and id, one or up to {EVENTS_MAX:,}; a void may come before its event",
)
@refuses(*BODY, VoidInvalid)
@changes_nothing(USAGE)
async def void_events(
    request: Request, context: Ctx, producer: Producer, dry_run: DryRun = False
) -> Response:
    with counted(context, producer.key_id):
        check_json(request.headers.get("content-type"))
        with context.state.capacity.admit(announced_bytes(request)):
            names = await taken_apart(read_voids, await read_body(request))
            acceptance = await usecases.accept_voids(
                context, producer, names, request.scope["u2c_trace"], dry_run=dry_run
            )
    return answer(acceptance)


@router.post(
    "/correct",
    operation_id="correct_event",
    status_code=202,
    responses=ACCEPTED,
    openapi_extra=documented.CORRECTION_BODY,
    summary="Void a wrong event and send the right one, under a new id, in one call",
)
@refuses(*BODY, VoidInvalid, CorrectionKeepsId, CorrectionRefused)
@changes_nothing(USAGE)
async def correct_event(request: Request, context: Ctx, producer: Producer) -> Response:
    with counted(context, producer.key_id):
        check_json(request.headers.get("content-type"))
        with context.state.capacity.admit(announced_bytes(request)):
            correction = await taken_apart(read_correction, await read_body(request))
            acceptance = await usecases.correct(context, producer, correction, request.scope["u2c_trace"])
    return answer(acceptance)


async def take_events(
    request: Request, context: DoorContext, producer: AccessKey, *, dry_run: bool = False
) -> Acceptance:
    """Judge what came and make it durable, in whichever way the events were put into the request."""
    with counted(context, producer.key_id):
        framing = framing_of(request.headers.raw)
        with context.state.capacity.admit(announced_bytes(request)):
            events = await taken_apart(framing, await read_body(request))
            return await usecases.accept_events(
                context, producer, events, request.scope["u2c_trace"], dry_run=dry_run
            )


def answer(acceptance: Acceptance) -> Response:
    """202: each count, and each event that is not plainly accepted."""
    body = {
        "accepted": acceptance.accepted,
        "results": sorted(acceptance.results, key=lambda result: result.index),
        "received": acceptance.received,
        "published": len(acceptance.published),
        "quarantined": len(acceptance.quarantined),
    }
    return Response(msgspec.json.encode(body), 202, media_type="application/json")
