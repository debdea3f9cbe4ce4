"""Routes of API keys."""

from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Path
from fastapi.responses import Response
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from services.usage_ingest.context import Ctx, IngestContext
from services.usage_ingest.keys.answers import IssuedKeyAnswer, KeyAnswer
from services.usage_ingest.keys.usecases import manage_keys as usecases
from services.usage_ingest.keys.usecases.manage_keys import (
    ExpiryInvalid,
    ExpiryNotYours,
    Issued,
    KeyAlreadyEnded,
    KeyNotFound,
    ScopeNotYours,
    ScopeUnknown,
    SeatNotYours,
    SeatUnknown,
    SourceInvalid,
)
from services.usage_ingest.keys.usecases.refuse_foreign_sources import SourceNotYours
from shared.db.unit_of_work import UnitOfWork
from shared.errors import refuses
from shared.http.answers import Listed
from shared.http.changes import Changed, ChangingCall, Of, changing
from shared.http.cursors import name_in
from shared.http.keys import requires
from shared.http.paging import Paged
from shared.runtime.clock import machine_now
from shared.values.fields import GivenId, Label
from shared.values.seats import SEATS

router = APIRouter(prefix="/v1/keys", tags=["Keys"])
KeyId = Annotated[GivenId, Path(description="The key's id, key_…")]
Change = Annotated[ChangingCall, changing("keys:write")]
KEY = "key"
OVERLAP_MAX_S = 30 * 86_400
SOURCES_MAX = 100


class KeyWanted(BaseModel):
    """A key to make."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"name": "product backend", "scopes": ["usage:write"]}]},
    )

    name: Label = Field(description="What it is for; shown in lists")
    scopes: list[str] = Field(min_length=1, max_length=20, description="What it may do, such as usage:write")
    expires_at: AwareDatetime | None = Field(None, description="RFC 3339; absent: it does not expire")
    sources: list[str] | None = Field(
        None,
        min_length=1,
        max_length=SOURCES_MAX,
        description="The sources whose usage it may send, void, correct and resolve; absent: any",
    )
    seats: list[str] = Field(
        [],
        max_length=len(SEATS),
        description=f"The seats it may decide for: {', '.join(SEATS)}",
    )


class Rotation(BaseModel):
    """How long the old key still works."""

    model_config = ConfigDict(extra="forbid")

    overlap_s: int = Field(
        86_400, ge=0, le=OVERLAP_MAX_S, description="Seconds the old key works beside the new one"
    )
    expires_at: AwareDatetime | None = Field(
        None, description="The new key's expiry; absent: as long a life as the old one's"
    )


@router.post(
    "",
    operation_id="create_key",
    status_code=201,
    response_model=IssuedKeyAnswer,
    summary="Make an API key; its secret is in this answer and nowhere else",
)
@refuses(
    ScopeUnknown,
    ScopeNotYours,
    SourceInvalid,
    SourceNotYours,
    SeatUnknown,
    SeatNotYours,
    ExpiryInvalid,
    ExpiryNotYours,
)
async def create_key(wanted: KeyWanted, context: Ctx, call: Change) -> Response:
    sources = usecases.read_sources(wanted.sources or ())
    terms = usecases.KeyTerms(wanted.name, wanted.scopes, wanted.expires_at, sources, wanted.seats)
    usecases.refuse_escalation(call.key, terms)
    usecases.refuse_outliving(call.key, wanted.expires_at)

    async def act(uow: UnitOfWork) -> Changed:
        issued = await usecases.issue(uow, terms, machine_now(), by=call.key.key_id)
        return _made(issued)

    return await _known_here(context, await call.once(act, status=201))


@router.get(
    "",
    operation_id="list_keys",
    dependencies=[requires("keys:write")],
    summary="All keys, oldest first; never their secrets",
)
async def list_keys(context: Ctx, page: Paged) -> Listed[KeyAnswer]:
    async with context.db.transaction() as uow:
        rows = await usecases.list_keys(uow, name_in(page) or "", page.limit + 1)
    return Listed[KeyAnswer].page(rows, page, lambda row: [row.key_id], KeyAnswer.of)


@router.post(
    "/{key_id}/revoke",
    operation_id="revoke_key",
    response_model=KeyAnswer,
    summary="End a key at once, everywhere within seconds",
)
@refuses(KeyNotFound, ScopeNotYours, SourceNotYours, SeatNotYours)
async def revoke_key(key_id: KeyId, context: Ctx, call: Change) -> Response:
    of = Of(KEY, key_id)

    async def act(uow: UnitOfWork) -> Changed:
        before, after = await usecases.revoke(uow, key_id, machine_now(), call.key)
        return Changed(of, KeyAnswer.of(before), KeyAnswer.of(after), same=before == after)

    return await _known_here(context, await call.once(act, of))


@router.post(
    "/{key_id}/rotate",
    operation_id="rotate_key",
    status_code=201,
    response_model=IssuedKeyAnswer,
    summary="A new secret; the old key expires after the overlap",
)
@refuses(
    KeyNotFound, KeyAlreadyEnded, ScopeNotYours, SourceNotYours, SeatNotYours, ExpiryInvalid, ExpiryNotYours
)
async def rotate_key(key_id: KeyId, wanted: Rotation, context: Ctx, call: Change) -> Response:
    overlap = timedelta(seconds=wanted.overlap_s)

    async def act(uow: UnitOfWork) -> Changed:
        before, after, issued = await usecases.rotate(
            uow, key_id, overlap, wanted.expires_at, now=machine_now(), by=call.key
        )
        await call.note(uow, [Changed(Of(KEY, key_id), KeyAnswer.of(before), KeyAnswer.of(after))])
        return _made(issued)

    return await _known_here(context, await call.once(act, Of(KEY, key_id), status=201))


def _made(issued: Issued) -> Changed:
    shown = KeyAnswer.made(issued)
    return Changed(Of(KEY, shown.id), None, shown, IssuedKeyAnswer.issued(issued))


async def _known_here(context: IngestContext, answer: Response) -> Response:
    """The answer, once this process knows the key before its owner does; the others know it within seconds."""
    await context.keys.refresh()
    return answer
