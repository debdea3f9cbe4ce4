"""Pages of the checks of the books, and the form that asks for one."""

from typing import Annotated

from fastapi import APIRouter, Header, Query
from fastapi.responses import HTMLResponse, Response

from services.console.context import Ctx
from services.console.domain.addresses import address
from services.console.domain.visit import Visit
from services.console.frame.answers import downloaded, see_other, shown
from services.console.reconciliation.page import (
    CHECKS,
    MAY_CHECK,
    ChecksPage,
    check_page,
    checks_page,
    now_form,
)
from services.console.sessions.parameters import signed_in, submits
from services.console.upstream.clients import Services
from services.console.upstream.domain.told import Silent, required
from shared.values.fields import GivenId
from shared.values.ids import new_id

router = APIRouter(include_in_schema=False)
Reader = Annotated[Visit, signed_in("finance", "leader", "engineer")]
ALL = "/v1/reconciliation/checks"


@router.get(CHECKS)
async def show_checks(
    context: Ctx, visit: Reader, cursor: Annotated[str | None, Query(max_length=2000)] = None
) -> HTMLResponse:
    told = await Services(context, visit).get("billing", ALL, limit=50, cursor=cursor)
    now = now_form(visit, new_id("idk"))
    page = (
        ChecksPage("Do the books hold?", None, None, told.block("Checks of the books", visit.here))
        if isinstance(told, Silent)
        else checks_page(told.document, now, visit.zones)
    )
    return await shown(context, visit, "checks.html", page)


@router.post(CHECKS)
async def check_now(context: Ctx, visit: Annotated[Visit, submits(*MAY_CHECK)]) -> Response:
    told = await Services(context, visit).change("billing", "POST", ALL)
    return see_other(address("reconciliation", told.document["id"], **visit.zones.query))


@router.get(f"{CHECKS}.csv")
async def download_checks(context: Ctx, visit: Reader) -> Response:
    told = await Services(context, visit).stream("billing", ALL, accept=visit.zones.csv)
    return await downloaded(context, visit, "Checks of the books", told)


@router.get("/reconciliation/{check_id}")
async def show_check(
    check_id: GivenId,
    context: Ctx,
    visit: Reader,
    polling: Annotated[str, Header(alias="HX-Trigger")] = "",
) -> HTMLResponse:
    """`polling`: the part of the page that asks whether it is done; then the whole is told anew."""
    told = required(await Services(context, visit).get("billing", f"{ALL}/{{}}", check_id))
    page = check_page(told.document, visit)
    answer = await shown(context, visit, "check.html", page)
    if polling == page.progress.key and page.progress.is_done:
        answer.headers["HX-Refresh"] = "true"
    return answer
