"""Pages of late usage, and the form that decides about it."""

from dataclasses import dataclass
from datetime import date
from typing import Annotated, Final, Literal

from fastapi import APIRouter, Depends, Form, Query
from fastapi.responses import HTMLResponse, Response

from services.console.context import Ctx
from services.console.domain.addresses import with_query
from services.console.domain.forms import seen_in, words_of
from services.console.domain.visit import Visit
from services.console.frame.answers import downloaded, see_other, shown
from services.console.late.page import DECIDES, LATE, NOTHING_TYPED, LatePage, Typed, held_page, late_page
from services.console.sessions.parameters import signed_in, submits
from services.console.upstream.clients import Services
from services.console.upstream.domain.faults import ServiceRefused
from services.console.upstream.domain.told import Silent, required
from shared.http.faults import status_of
from shared.values.fields import Key
from shared.values.ids import new_id

router = APIRouter(include_in_schema=False)
Reader = Annotated[Visit, signed_in("finance", "engineer", "leader")]
Decision = Literal["bill", "waive"]
SAID: Final[dict[Decision | None, str]] = {
    None: "",
    "bill": "It is billed with the contract's next correction.",
    "waive": "It is waived, and of no period any more.",
}
ONE: Final = "/v1/late-usage/{}/{}"


@router.get(LATE)
async def show_late_usage(
    context: Ctx,
    visit: Reader,
    cursor: Annotated[str | None, Query(max_length=2000)] = None,
    decided: Decision | None = None,
) -> HTMLResponse:
    told = await Services(context, visit).get("rating", "/v1/late-usage", limit=50, cursor=cursor)
    page = (
        LatePage("Late usage", None, told.block("Late usage", visit.here))
        if isinstance(told, Silent)
        else late_page(told.document, visit.zones)
    )
    return await shown(context, visit, "late.html", page, said=SAID[decided])


@router.get(f"{LATE}.csv")
async def download_late_usage(context: Ctx, visit: Reader) -> Response:
    told = await Services(context, visit).stream("rating", "/v1/late-usage", accept=visit.zones.csv)
    return await downloaded(context, visit, "Late usage", told)


@router.get("/late/{contract}/{start}")
async def show_held(contract: Key, start: date, context: Ctx, visit: Reader) -> HTMLResponse:
    return await _held(context, visit, contract, start)


@dataclass(frozen=True, slots=True)
class Decided:
    """The form, as it was sent."""

    decision: Annotated[Decision, Form()]
    reason: Annotated[str, Form(max_length=10_000)]
    up_to: Annotated[str, Form(max_length=100_000)]


@router.post("/late/{contract}/{start}")
async def decide(
    contract: Key,
    start: date,
    context: Ctx,
    visit: Annotated[Visit, submits(*DECIDES)],
    form: Annotated[Decided, Depends()],
) -> Response:
    """What came since the page was opened is not decided by it: the page is shown again, with what was typed."""
    document = {"decision": form.decision, "reason": form.reason, "up_to": seen_in(form.up_to)}
    try:
        await Services(context, visit).change(
            "rating", "POST", f"{ONE}/decision", contract, start.isoformat(), document=document
        )
    except ServiceRefused as refused:
        typed = Typed(form.decision, form.reason, words_of(refused))
        return await _held(context, visit, contract, start, typed, status_of(type(refused)))
    return see_other(with_query(LATE, {"decided": form.decision, **visit.zones.query}))


async def _held(
    context: Ctx, visit: Visit, contract: str, start: date, typed: Typed = NOTHING_TYPED, status: int = 200
) -> HTMLResponse:
    told = required(await Services(context, visit).get("rating", ONE, contract, start.isoformat()))
    page = held_page(told.document, visit, new_id("idk"), typed)
    return await shown(context, visit, "held.html", page, status=status)
