"""Routes of webhook endpoints, their secrets, deliveries and replays."""

from collections.abc import Awaitable, Callable
from typing import Annotated

from fastapi import APIRouter, Response
from pydantic import BaseModel, ConfigDict, Field, model_validator

from services.signals.parameters import Instant
from services.signals.webhooks.answers import (
    CreatedEndpointAnswer,
    DeliveryAnswer,
    DeliveryLogAnswer,
    EndpointAnswer,
    EndpointHealthAnswer,
    RequeuedAnswer,
    RotatedEndpointAnswer,
    TestSentAnswer,
)
from services.signals.webhooks.domain.target import UrlRefused
from services.signals.webhooks.parameters import AskedDeliveries
from services.signals.webhooks.rows import DeliveryState, EndpointRow, Format
from services.signals.webhooks.usecases import find
from services.signals.webhooks.usecases.manage_endpoints import (
    EndpointDisabled,
    EndpointNotFound,
    EndpointTerms,
    EventTypeUnknown,
    FactNotFound,
    ReplayTooLarge,
    change_endpoint,
    check,
    create_endpoint,
    delete_endpoint,
    enable_endpoint,
    known_endpoint,
    replay_one,
    replay_range,
    rotate_secret,
    send_test,
)
from services.signals.webhooks.usecases.seal import whole_url
from services.signals.webhooks.usecases.send import Ctx, WebhooksContext
from shared.db.unit_of_work import UnitOfWork
from shared.errors import refuses
from shared.http.answers import Listed
from shared.http.changes import Changed, ChangingCall, Of, changing
from shared.http.cursors import name_in
from shared.http.etags import IfMatch, etag_of, tagged
from shared.http.keys import AccessKey, requires
from shared.http.paging import Paged
from shared.sealing import SealKeyMissing
from shared.values.fields import GivenId, Word
from shared.values.names import STORABLE_OR_EMPTY

router = APIRouter(prefix="/v1", tags=["Webhooks"])
READ = requires("signals:read")
Change = Annotated[ChangingCall, changing("signals:write")]
ENDPOINT = "webhook_endpoint"
Reader = Annotated[AccessKey, READ]


class EndpointBody(BaseModel):
    """An endpoint as it is asked for."""

    model_config = ConfigDict(extra="forbid")
    url: Annotated[str, Field(max_length=2000, examples=["https://example.com/hooks/usage-to-cash"])]
    events: Annotated[
        list[Word],
        Field(min_length=1, max_length=50, examples=[["renewal.at_risk", "customer.activation.failed"]]),
    ]
    description: Annotated[str, Field(max_length=500, pattern=STORABLE_OR_EMPTY)] = ""
    format: Format = "standard"

    def terms(self) -> EndpointTerms:
        return EndpointTerms(self.url, tuple(dict.fromkeys(self.events)), self.description, self.format)


class RotationBody(BaseModel):
    model_config = ConfigDict(extra="forbid")
    overlap_hours: Annotated[
        int, Field(ge=0, le=168, description="How long the old secret signs too, by the machine's clock")
    ] = 24


class ReplayBody(BaseModel):
    """One signal by its id, or all of a range of business time that the endpoint asks for."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)
    signal: GivenId | None = None
    since: Annotated[Instant | None, Field(alias="from")] = None
    until: Annotated[Instant | None, Field(alias="to")] = None

    @model_validator(mode="after")
    def _one_of(self) -> "ReplayBody":
        if (self.signal is None) == (self.since is None and self.until is None) or (self.since is None) != (
            self.until is None
        ):
            raise ValueError("name a signal, or both from and to")
        return self


@router.post(
    "/webhook-endpoints",
    operation_id="create_webhook_endpoint",
    status_code=201,
    response_model=CreatedEndpointAnswer,
    summary="Register an endpoint; its secret is shown this once",
)
@refuses(UrlRefused, EventTypeUnknown, SealKeyMissing)
async def create(body: EndpointBody, context: Ctx, call: Change) -> Response:
    await check(body.terms(), context.settings.webhook_allow_local)

    async def act(uow: UnitOfWork) -> Changed:
        endpoint_id, secret = await create_endpoint(
            uow, body.terms(), context.state.seal, context.clock.now()
        )
        row = await known_endpoint(uow, endpoint_id)
        answer = CreatedEndpointAnswer.created(row, body.url, secret)
        return Changed(Of(ENDPOINT, endpoint_id), None, _as_anybody_sees(row), answer)

    return await call.once(act, status=201)


@router.get(
    "/webhook-endpoints",
    operation_id="list_webhook_endpoints",
    summary="All endpoints, without their secrets; whole URLs for signals:write only",
)
async def list_endpoints(context: Ctx, page: Paged, caller: Reader) -> Listed[EndpointAnswer]:
    async with context.db.transaction() as uow:
        rows = await find.list_endpoints(uow, name_in(page) or "", page.limit + 1)
    return Listed[EndpointAnswer].page(
        rows, page, lambda row: [row.endpoint_id], lambda row: _for(caller, context, row)
    )


@router.get(
    "/webhook-endpoints/{endpoint_id}",
    operation_id="get_webhook_endpoint",
    summary="One endpoint; its whole URL for signals:write only",
)
@refuses(EndpointNotFound)
async def get_endpoint(
    endpoint_id: GivenId, context: Ctx, caller: Reader, response: Response
) -> EndpointAnswer:
    async with context.db.transaction() as uow:
        row = await known_endpoint(uow, endpoint_id)
    tagged(response, _tag(row))
    return _for(caller, context, row)


@router.put(
    "/webhook-endpoints/{endpoint_id}",
    operation_id="change_webhook_endpoint",
    response_model=EndpointAnswer,
    summary="Change all of it but the secret",
)
@refuses(EndpointNotFound, UrlRefused, EventTypeUnknown, SealKeyMissing)
async def change(
    endpoint_id: GivenId, body: EndpointBody, context: Ctx, call: Change, _if_match: IfMatch = None
) -> Response:
    terms = body.terms()
    await check(terms, context.settings.webhook_allow_local)

    async def act(uow: UnitOfWork) -> EndpointAnswer:
        await change_endpoint(uow, endpoint_id, terms, context.state.seal)
        return _whole(context, await known_endpoint(uow, endpoint_id))

    return await _change(call, endpoint_id, act)


@router.delete(
    "/webhook-endpoints/{endpoint_id}",
    operation_id="delete_webhook_endpoint",
    status_code=204,
    summary="Delete it and what waits for it",
)
@refuses(EndpointNotFound)
async def delete(endpoint_id: GivenId, call: Change, _if_match: IfMatch = None) -> Response:
    of = Of(ENDPOINT, endpoint_id)

    async def act(uow: UnitOfWork) -> Changed:
        row = await known_endpoint(uow, endpoint_id)
        await delete_endpoint(uow, endpoint_id)
        return Changed(of, _as_anybody_sees(row), None, tags=(_tag(row), None))

    return await call.once(act, of, status=204)


@router.post(
    "/webhook-endpoints/{endpoint_id}/rotate-secret",
    operation_id="rotate_webhook_secret",
    response_model=RotatedEndpointAnswer,
    summary="A new secret, shown this once; until the overlap ends both sign",
)
@refuses(EndpointNotFound, SealKeyMissing)
async def rotate(endpoint_id: GivenId, body: RotationBody, context: Ctx, call: Change) -> Response:
    async def act(uow: UnitOfWork) -> RotatedEndpointAnswer:
        secret, until = await rotate_secret(uow, endpoint_id, body.overlap_hours, context.state.seal)
        row = await known_endpoint(uow, endpoint_id)
        return RotatedEndpointAnswer.rotated(row, whole_url(context.state.seal, row), secret, until)

    return await _change(call, endpoint_id, act)


@router.post(
    "/webhook-endpoints/{endpoint_id}/enable",
    operation_id="enable_webhook_endpoint",
    response_model=EndpointAnswer,
    summary="Enable it again; what it missed is sent by a replay",
)
@refuses(EndpointNotFound)
async def enable(endpoint_id: GivenId, context: Ctx, call: Change) -> Response:
    async def act(uow: UnitOfWork) -> EndpointAnswer:
        await enable_endpoint(uow, endpoint_id, context.clock.now())
        return _whole(context, await known_endpoint(uow, endpoint_id))

    return await _change(call, endpoint_id, act)


@router.post(
    "/webhook-endpoints/{endpoint_id}/test",
    operation_id="test_webhook_endpoint",
    status_code=202,
    response_model=TestSentAnswer,
    summary="Send a webhook.test to this endpoint",
)
@refuses(EndpointNotFound, EndpointDisabled)
async def test(endpoint_id: GivenId, context: Ctx, call: Change) -> Response:
    of = Of(ENDPOINT, endpoint_id)

    async def act(uow: UnitOfWork) -> Changed:
        return Changed(of, None, TestSentAnswer(id=await send_test(uow, endpoint_id, context.clock.now())))

    return await call.once(act, of, status=202)


@router.post(
    "/webhook-endpoints/{endpoint_id}/replay",
    operation_id="replay_webhooks",
    status_code=202,
    response_model=RequeuedAnswer,
    summary="Send again by id or by range, under the same ids",
)
@refuses(EndpointNotFound, EndpointDisabled, FactNotFound, ReplayTooLarge)
async def replay(endpoint_id: GivenId, body: ReplayBody, context: Ctx, call: Change) -> Response:
    now, of = context.clock.now(), Of(ENDPOINT, endpoint_id)

    async def act(uow: UnitOfWork) -> Changed:
        if body.signal is not None:
            queued = await replay_one(uow, endpoint_id, body.signal, now)
        else:
            assert body.since is not None and body.until is not None
            queued = await replay_range(uow, endpoint_id, body.since, body.until, now)
        return Changed(of, None, RequeuedAnswer(queued=queued))

    return await call.once(act, of, status=202)


@router.get(
    "/webhook-endpoints/{endpoint_id}/deliveries",
    operation_id="list_webhook_deliveries",
    dependencies=[READ],
    summary="The delivery log, the newest first",
)
@refuses(EndpointNotFound)
async def list_deliveries(
    endpoint_id: GivenId,
    context: Ctx,
    page: Paged,
    state: DeliveryState | None = None,
) -> Listed[DeliveryAnswer]:
    async with context.db.transaction() as uow:
        rows = await find.list_deliveries(uow, endpoint_id, state, name_in(page), page.limit + 1)
    return Listed[DeliveryAnswer].page(rows, page, lambda row: [row.delivery_id], DeliveryAnswer.of)


@router.get(
    "/webhook-deliveries",
    operation_id="list_all_webhook_deliveries",
    dependencies=[READ],
    summary="The delivery log of all endpoints, the newest first",
)
async def list_all_deliveries(context: Ctx, page: Paged, wanted: AskedDeliveries) -> Listed[DeliveryAnswer]:
    async with context.db.transaction() as uow:
        rows = await find.list_all_deliveries(uow, wanted, name_in(page), page.limit + 1)
    return Listed[DeliveryAnswer].page(rows, page, lambda row: [row.delivery_id], DeliveryAnswer.of)


@router.get(
    "/webhook-health",
    operation_id="list_webhook_health",
    dependencies=[READ],
    summary="How often each endpoint was reached in the last seven days, when last, and what waits for it",
)
async def list_health(context: Ctx, page: Paged) -> Listed[EndpointHealthAnswer]:
    now = context.clock.now()
    async with context.db.transaction() as uow:
        rows = await find.list_health(uow, name_in(page) or "", page.limit + 1, now)
    return Listed[EndpointHealthAnswer].page(
        rows, page, lambda row: [row.endpoint_id], EndpointHealthAnswer.of
    )


@router.get(
    "/webhook-deliveries/{delivery_id}",
    operation_id="get_webhook_delivery",
    dependencies=[READ],
    summary="One delivery with every attempt: request and response",
)
@refuses(FactNotFound)
async def get_delivery(delivery_id: GivenId, context: Ctx) -> DeliveryLogAnswer:
    async with context.db.transaction() as uow:
        row, attempts = await find.find_delivery(uow, delivery_id)
    return DeliveryLogAnswer.logged(row, attempts)


async def _change(
    call: ChangingCall, endpoint_id: str, act: Callable[[UnitOfWork], Awaitable[EndpointAnswer]]
) -> Response:
    """Change an endpoint and answer with it. Its audit row shows no secret, and the whole URL is one."""
    of = Of(ENDPOINT, endpoint_id)

    async def changed(uow: UnitOfWork) -> Changed:
        before = await known_endpoint(uow, endpoint_id)
        answer = await act(uow)
        after = await known_endpoint(uow, endpoint_id)
        return Changed(
            of,
            _as_anybody_sees(before),
            _as_anybody_sees(after),
            answer,
            tags=(_tag(before), _tag(after)),
        )

    return await call.once(changed, of)


def _tag(row: EndpointRow) -> str:
    """Of all that a person may change: not of what attempts leave behind."""
    return etag_of(row.sealed_url, row.description, row.events, row.format)


def _as_anybody_sees(row: EndpointRow) -> EndpointAnswer:
    return EndpointAnswer.of(row, row.url)


def _whole(context: WebhooksContext, row: EndpointRow) -> EndpointAnswer:
    """With its whole URL: for those who may change it."""
    return EndpointAnswer.of(row, whole_url(context.state.seal, row))


def _for(caller: AccessKey, context: WebhooksContext, row: EndpointRow) -> EndpointAnswer:
    """A URL is a secret: who may only read sees where it leads, not the path that lets anybody post there."""
    return _whole(context, row) if caller.allows("signals:write") else _as_anybody_sees(row)
