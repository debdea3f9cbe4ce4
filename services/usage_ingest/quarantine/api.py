"""Routes of the quarantine."""

from collections.abc import Sequence
from operator import attrgetter
from typing import Annotated, Literal, Self

import msgspec
from fastapi import APIRouter, Path, Query, Request
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from services.usage_ingest.domain.framing import BodyMalformed
from services.usage_ingest.door.memory import Ctx
from services.usage_ingest.door.requests.body import EncodingUnsupported, GzipBroken, read_body
from services.usage_ingest.door.requests.documented import EVENT
from services.usage_ingest.door.requests.media import MediaTypeUnsupported, check_json
from services.usage_ingest.keys.usecases.refuse_foreign_sources import SourceNotYours
from services.usage_ingest.quarantine.answers import (
    DiscardAnswer,
    JudgementAnswer,
    QuarantinedBytesAnswer,
    QuarantinedEventAnswer,
    QuarantineSummaryAnswer,
    ReplayAnswer,
)
from services.usage_ingest.quarantine.parameters import Asked
from services.usage_ingest.quarantine.rows import By, Filter, Group, QuarantinedEvent
from services.usage_ingest.quarantine.usecases import resolve as usecases
from services.usage_ingest.quarantine.usecases import try_out as tried
from services.usage_ingest.quarantine.usecases.find import (
    QuarantinedNotFound,
    count_events,
    find,
    list_events,
    summary_of,
)
from services.usage_ingest.quarantine.usecases.resolve import (
    AlreadyResolved,
    RepairRefused,
    Resolved,
    Resolver,
)
from services.usage_ingest.quarantine.usecases.walk_open import Some
from shared.db.unit_of_work import UnitOfWork
from shared.errors import refuses
from shared.http.answers import CountAnswer, Listed
from shared.http.changes import Changed, ChangingCall, Of, changing, shown
from shared.http.keys import AccessKey, requires
from shared.http.sorting import TEXT, Listing, SortKey, listing
from shared.values.fields import AskedKept, GivenId, Word
from shared.values.names import STORABLE

router = APIRouter(prefix="/v1/quarantine", tags=["Quarantine"])
QuarantineId = Annotated[GivenId, Path(description="qua_…")]
Change = Annotated[ChangingCall, changing("usage:write")]
DryRun = Annotated[bool, Query(description="Say what would come of it, change nothing")]
GroupedBy = Annotated[
    Sequence[Group], Query(alias="group_by", max_length=3, description="What a group has in common")
]
BY_AGE = attrgetter("quarantine_id")
SORTS = {
    "id": SortKey(TEXT, BY_AGE),
    "code": SortKey(TEXT, attrgetter("code")),
    "source": SortKey(TEXT, attrgetter("source")),
}
Sorted = Annotated[Listing[QuarantinedEvent], listing(SORTS, "-id", BY_AGE)]


EVENT_KIND = "quarantined_event"


class RepairUnreadable(BodyMalformed):
    """A repair is a JSON object with the corrected `event`."""


class Which(BaseModel):
    """Which open events; what is absent does not restrict."""

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

    def some(self, key: AccessKey) -> Some:
        """The events, for a caller with this key."""
        wanted = Filter(None, self.code, self.source, self.id, self.subject, self.type, self.by)
        return Some(wanted, self.after, key)


class DiscardWhich(Which):
    """Which open events are not counted, and why. One thing at least narrows them: nobody discards all by mistake."""

    reason: str = Field(min_length=1, max_length=1000, pattern=STORABLE)

    @model_validator(mode="after")
    def _narrowed(self) -> Self:
        if not self.model_fields_set - {"reason", "after"}:
            raise PydanticCustomError(
                "not_narrowed", "Say which: code, source, id, subject, type or by; all at once is refused."
            )
        return self


class Discard(BaseModel):
    """Why the event is not counted."""

    model_config = ConfigDict(extra="forbid")

    reason: str = Field(min_length=1, max_length=1000, pattern=STORABLE)


@router.get(
    "",
    operation_id="list_quarantine",
    dependencies=[requires("usage:read")],
    summary="Events that could not be taken; by id they come by age",
)
async def list_quarantine(context: Ctx, wanted: Asked, sorted_: Sorted) -> Listed[QuarantinedEventAnswer]:
    async with context.db.transaction() as uow:
        rows = await list_events(uow, wanted, sorted_.window)
        found = await count_events(uow, wanted) if sorted_.count else None
    return Listed[QuarantinedEventAnswer].page(
        rows, sorted_.page, sorted_.place, QuarantinedEventAnswer.of, CountAnswer.of(found)
    )


@router.post(
    "/replay",
    operation_id="replay_quarantine",
    response_model=ReplayAnswer,
    summary="Judge all open events that fit again, with today's catalogue; each counts once",
)
@refuses(SourceNotYours)
async def replay_all(which: Which, context: Ctx, call: Change, dry_run: DryRun = False) -> Response:
    some = which.some(call.key)
    if dry_run:
        return shown(ReplayAnswer.of(await tried.try_replay(context, some, call.request_id), dry_run=True))

    async def work() -> ReplayAnswer:
        done = await usecases.replay_all(context, some, _resolver(call))
        return ReplayAnswer.of(done, dry_run=False)

    return await call.in_steps(work)


@router.post(
    "/discard",
    operation_id="discard_quarantine",
    response_model=DiscardAnswer,
    summary="Close all open events that fit without counting them, with a reason",
)
@refuses(SourceNotYours)
async def discard_all(which: DiscardWhich, context: Ctx, call: Change, dry_run: DryRun = False) -> Response:
    some = which.some(call.key)
    if dry_run:
        return shown(DiscardAnswer.of(await tried.try_discard(context, some), dry_run=True))

    async def work() -> DiscardAnswer:
        done = await usecases.discard_all(context, some, which.reason, _resolver(call))
        return DiscardAnswer.of(done, dry_run=False)

    return await call.in_steps(work)


@router.get(
    "/summary",
    operation_id="summarize_quarantine",
    dependencies=[requires("usage:read")],
    summary="How many events the quarantine has by code, source or day, and since when",
)
async def summarize(
    context: Ctx, wanted: Asked, grouped_by: GroupedBy = ("code",)
) -> QuarantineSummaryAnswer:
    """The largest 200 groups come first; `events` and `oldest` are of all that fit."""
    async with context.db.transaction(isolation="repeatable_read") as uow:
        return QuarantineSummaryAnswer.of(*await summary_of(uow, wanted, sorted(set(grouped_by))))


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
    response_model=QuarantinedBytesAnswer | JudgementAnswer,
    summary="Judge this event again; counts once however often",
)
@refuses(QuarantinedNotFound, AlreadyResolved, SourceNotYours)
async def replay_one(
    quarantine_id: QuarantineId, context: Ctx, call: Change, dry_run: DryRun = False
) -> Response:
    if dry_run:
        found = await tried.try_one(context, quarantine_id, call.key, call.request_id)
        return shown(JudgementAnswer.of(found))

    async def work() -> QuarantinedBytesAnswer:
        return QuarantinedBytesAnswer.whole(
            await usecases.replay_one(context, quarantine_id, _resolver(call, quarantine_id))
        )

    return await call.in_steps(work)


@router.post(
    "/{quarantine_id}/repair",
    operation_id="repair_quarantined",
    response_model=QuarantinedBytesAnswer | JudgementAnswer,
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
    quarantine_id: QuarantineId, request: Request, context: Ctx, call: Change, dry_run: DryRun = False
) -> Response:
    check_json(request.headers.get("content-type"))
    if dry_run:
        event = _event_of(await read_body(request))
        found = await tried.try_one(context, quarantine_id, call.key, call.request_id, event)
        return shown(JudgementAnswer.of(found))

    async def work() -> QuarantinedBytesAnswer:
        event = _event_of(await read_body(request))
        return QuarantinedBytesAnswer.whole(
            await usecases.repair(context, quarantine_id, event, _resolver(call, quarantine_id))
        )

    return await call.in_steps(work)


@router.post(
    "/{quarantine_id}/discard",
    operation_id="discard_quarantined",
    response_model=QuarantinedBytesAnswer,
    summary="Close it without counting it, with a reason",
)
@refuses(QuarantinedNotFound, AlreadyResolved, SourceNotYours)
async def discard(quarantine_id: QuarantineId, why: Discard, call: Change) -> Response:
    of = Of(EVENT_KIND, quarantine_id)

    async def act(uow: UnitOfWork) -> Changed:
        before, after = await usecases.discard(uow, quarantine_id, why.reason, call.key, call.actor)
        return _changed(before, after, QuarantinedBytesAnswer.whole(after))

    return await call.once(act, of)


def _resolver(call: ChangingCall, quarantine_id: str | None = None) -> Resolver:
    """Who resolves, and notes each change; `quarantine_id`: the one event that is answered with."""

    async def noted(uow: UnitOfWork, resolved: Sequence[Resolved]) -> None:
        answer = QuarantinedBytesAnswer.whole(await find(uow, quarantine_id)) if quarantine_id else None
        await call.note(uow, [_changed(before, after) for before, after in resolved], answer)

    return Resolver(call.key, call.actor, call.request_id, noted)


def _changed(
    before: QuarantinedEvent, after: QuarantinedEvent, answer: QuarantinedBytesAnswer | None = None
) -> Changed:
    """Without the event's bytes, which stand beside it."""
    of = Of(EVENT_KIND, after.quarantine_id)
    return Changed(of, QuarantinedEventAnswer.of(before), QuarantinedEventAnswer.of(after), answer)


class _Repair(msgspec.Struct, forbid_unknown_fields=True):
    event: msgspec.Raw


def _event_of(body: bytes) -> bytes:
    """The corrected event's own bytes: its numbers are not read by anything but the domain."""
    try:
        return bytes(msgspec.json.decode(body, type=_Repair).event)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise RepairUnreadable(f'{error}; send {{"event": {{…}}}}') from None
