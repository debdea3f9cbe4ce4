"""The page of the policy that asks for approvals, and the form that sets it."""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse, Response

from services.console.context import Ctx
from services.console.domain.addresses import address
from services.console.domain.forms import NOT_TRIED, Tried, texts_of
from services.console.domain.visit import Visit
from services.console.frame.answers import see_other, shown
from services.console.policy.domain.terms import AboveUnreadable, policy_in
from services.console.policy.page import POLICY, SETS, policy_page
from services.console.sessions.parameters import signed_in, submits
from services.console.upstream.clients import Services
from services.console.upstream.domain.faults import ServiceRefused
from services.console.upstream.domain.told import required
from shared.http.faults import status_of
from shared.values.ids import new_id

router = APIRouter(include_in_schema=False)
ROWS: Final = 50
REVIEW_POLICY: Final = "/v1/review-policy"


@router.get(POLICY)
async def show_policy(
    context: Ctx, visit: Annotated[Visit, signed_in(*SETS)], done: Annotated[bool, Query()] = False
) -> HTMLResponse:
    return await _policy(context, visit, said="It is in force." if done else "")


@router.post(POLICY)
async def set_policy(request: Request, context: Ctx, visit: Annotated[Visit, submits(*SETS)]) -> Response:
    """Of two people who set it at once the second is told what the first has set, and keeps what they typed."""
    form = texts_of(await request.form())
    try:
        document = policy_in(form)
        await Services(context, visit).change("billing", "PUT", REVIEW_POLICY, document=document)
    except (AboveUnreadable, ServiceRefused) as refused:
        return await _policy(context, visit, Tried.of("set", form, refused), status=status_of(type(refused)))
    return see_other(address("close", "policy", **visit.zones.query, done="true"))


async def _policy(context: Ctx, visit: Visit, tried: Tried = NOT_TRIED, **more: Any) -> HTMLResponse:
    versions = required(
        await Services(context, visit).get("billing", f"{REVIEW_POLICY}/versions", limit=ROWS)
    )
    page = policy_page(versions.document, visit, tried, new_id("idk"))
    return await shown(context, visit, "policy.html", page, **more)
