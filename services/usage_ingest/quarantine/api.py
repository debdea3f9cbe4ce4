"""Routes of the quarantine."""

from typing import Annotated, Literal

import msgspec
from fastapi import APIRouter, Path, Request
from pydantic import BaseModel, ConfigDict, Field

from services.usage_ingest.domain.framing import BodyMalformed
from services.usage_ingest.door.memory import Ctx
from services.usage_ingest.door.requests.body import EncodingUnsupported, GzipBroken, read_body
from services.usage_ingest.door.requests.documented import EVENT
from services.usage_ingest.door.requests.media import MediaTypeUnsupported, check_json
from services.usage_ingest.keys.usecases.refuse_foreign_sources import SourceNotYours
from services.usage_ingest.quarantine.answers import (
    QuarantinedBytesAnswer,
    QuarantinedEventAnswer,
    ReplayAnswer,
)
from services.usage_ingest.quarantine.parameters import Asked
from services.usage_ingest.quarantine.rows import By, Filter
from services.usage_ingest.quarantine.usecases import resolve as usecases
from services.usage_ingest.quarantine.usecases.find import QuarantinedNotFound, find, list_events
from services.usage_ingest.quarantine.usecases.resolve import AlreadyResolved, RepairRefused
from shared.errors import refuses
from shared.http.answers import Listed
from shared.http.cursors import name_in
from shared.http.keys import AccessKey, requires
from shared.http.paging import Paged
from shared.values.fields import AskedKept, GivenId, Word
from shared.values.names import STORABLE

router = APIRouter(prefix="/v1/quarantine", tags=["Quarantine"])
QuarantineId = Annotated[GivenId, Path(description="qua_…")]
Resolver = Annotated[AccessKey, requires("usage:write")]


class RepairUnreadable(BodyMalformed):
    """A repair is a JSON object with the corrected `event`."""


class Which(BaseModel):
    """Which open events to replay; what is absent does not restrict."""

    model_config = ConfigDict(extra="forbid")

    code: Word | None = None
    source: AskedKept | None = None
    id: AskedKept | None = None
    subject: AskedKept | None = None
    type: AskedKept | None = None
    by: By | None = None
    after: GivenId | Literal[""] = Field(
        "", description="`after` of the answer before, where that said there is more"
    )


class Discard(BaseModel):
    """Why the event is not counted."""

    model_config = ConfigDict(extra="forbid")

    reason: str = Field(min_length=1, max_length=1000, pattern=STORABLE)


@router.get(
    "",
    operation_id="list_quarantine",
    dependencies=[requires("usage:read")],
    summary="Events that could not be taken, newest first",
)
async def list_quarantine(context: Ctx, page: Paged, wanted: Asked) -> Listed[QuarantinedEventAnswer]:
    before = name_in(page)
    async with context.db.transaction() as uow:
        rows = await list_events(uow, wanted, before, page.limit + 1)
    return Listed[QuarantinedEventAnswer].page(
        rows, page, lambda row: [row.quarantine_id], QuarantinedEventAnswer.of
    )


@router.post(
    "/replay",
    operation_id="replay_quarantine",
    summary="Judge all open events that fit again, with today's catalogue; each counts once",
)
@refuses(SourceNotYours)
async def replay_all(which: Which, request: Request, context: Ctx, caller: Resolver) -> ReplayAnswer:
    wanted = Filter(None, which.code, which.source, which.id, which.subject, which.type, which.by)
    return ReplayAnswer.of(
        await usecases.replay_all(context, wanted, which.after, caller, request.scope["u2c_trace"])
    )


@router.get(
    "/{quarantine_id}",
    operation_id="get_quarantined",
    dependencies=[requires("usage:read")],
    summary="One event with its bytes",
)
@refuses(QuarantinedNotFound)
async def get_quarantined(quarantine_id: QuarantineId, context: Ctx) -> QuarantinedBytesAnswer:
    async with context.db.transaction() as uow:
        return QuarantinedBytesAnswer.whole(await find(uow, quarantine_id))


@router.post(
    "/{quarantine_id}/replay",
    operation_id="replay_quarantined",
    summary="Judge this event again; counts once however often",
)
@refuses(QuarantinedNotFound, AlreadyResolved, SourceNotYours)
async def replay_one(
    quarantine_id: QuarantineId, request: Request, context: Ctx, caller: Resolver
) -> QuarantinedBytesAnswer:
    return QuarantinedBytesAnswer.whole(
        await usecases.replay_one(context, quarantine_id, caller, request.scope["u2c_trace"])
    )


@router.post(
    "/{quarantine_id}/repair",
    operation_id="repair_quarantined",
    summary="Count a corrected body in its place; the original bytes are kept",
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {
                "application/json": {
                    "schema": {
                        "type": "object",
                        "required": ["event"],
                        "properties": {"event": EVENT},
                        "additionalProperties": False,
                    }
                }
            },
        }
    },
)
@refuses(
    QuarantinedNotFound,
    AlreadyResolved,
    SourceNotYours,
    RepairUnreadable,
    RepairRefused,
    MediaTypeUnsupported,
    EncodingUnsupported,
    GzipBroken,
)
async def repair(
    quarantine_id: QuarantineId, request: Request, context: Ctx, caller: Resolver
) -> QuarantinedBytesAnswer:
    check_json(request.headers.get("content-type"))
    event = _event_of(await read_body(request))
    return QuarantinedBytesAnswer.whole(
        await usecases.repair(context, quarantine_id, event, caller, request.scope["u2c_trace"])
    )


@router.post(
    "/{quarantine_id}/discard",
    operation_id="discard_quarantined",
    summary="Close it without counting it, with a reason",
)
@refuses(QuarantinedNotFound, AlreadyResolved, SourceNotYours)
async def discard(
    quarantine_id: QuarantineId, why: Discard, context: Ctx, caller: Resolver
) -> QuarantinedBytesAnswer:
    async with context.db.transaction() as uow:
        return QuarantinedBytesAnswer.whole(await usecases.discard(uow, quarantine_id, why.reason, caller))


class _Repair(msgspec.Struct, forbid_unknown_fields=True):
    event: msgspec.Raw


def _event_of(body: bytes) -> bytes:
    """The corrected event's own bytes: its numbers are not read by anything but the domain."""
    try:
        return bytes(msgspec.json.decode(body, type=_Repair).event)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise RepairUnreadable(f'{error}; send {{"event": {{…}}}}') from None
