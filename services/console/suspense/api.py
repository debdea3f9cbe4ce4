"""Pages of suspense, and the forms that say what usage belongs to."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import HTMLResponse, Response

from services.console.context import Ctx
from services.console.domain.forms import NOT_TRIED, Tried, texts_of
from services.console.domain.visit import Visit
from services.console.frame.answers import downloaded, see_other, shown
from services.console.sessions.parameters import signed_in, submits
from services.console.suspense.page.mends import MENDS, Kind, mends_of
from services.console.suspense.page.suspended import (
    SuspendedPage,
    drafts_table,
    events_table,
    facts_of,
    months_table,
)
from services.console.suspense.page.waiting import SUSPENSE, Suspended, SuspensePage, filters, suspense_page
from services.console.upstream.clients import Services
from services.console.upstream.domain.faults import ServiceRefused
from services.console.upstream.domain.told import Silent, Told, Written, required
from shared.http.faults import status_of
from shared.values.fields import AskedSubject
from shared.values.ids import new_id

router = APIRouter(include_in_schema=False)
Reader = Annotated[Visit, signed_in("finance", "engineer", "leader")]
Cursor = Annotated[str | None, Query(max_length=2000)]
Subject = Annotated[AskedSubject | None, Query()]
Text = Annotated[str, Query(max_length=4096)]
ROWS: Final = 50
EVENTS: Final = "/v1/reconciliation/events"
SAID: Final[Mapping[Kind | None, str]] = {
    None: "",
    "alias": "The subject means that customer now.",
    "customer": "The customer is there now.",
    "meter": "The meter counts now.",
    "contract": "The contract is in force.",
}


@router.get(SUSPENSE)
async def show_suspense(
    context: Ctx,
    visit: Reader,
    cursor: Cursor = None,
    subject: Subject = None,
) -> HTMLResponse:
    asked = {"subject": subject} if subject else {}
    told = await Services(context, visit).get("rating", "/v1/suspense", limit=ROWS, cursor=cursor, **asked)
    page = (
        SuspensePage(
            "Suspense", filters(subject or "", visit.zones), None, told.block("Suspense", visit.here)
        )
        if isinstance(told, Silent)
        else suspense_page(told.document, subject or "", visit.zones)
    )
    return await shown(context, visit, "suspense.html", page)


@router.get(f"{SUSPENSE}.csv")
async def download_suspense(context: Ctx, visit: Reader, subject: Subject = None) -> Response:
    asked = {"subject": subject} if subject else {}
    told = await Services(context, visit).stream("rating", "/v1/suspense", accept=visit.zones.csv, **asked)
    return await downloaded(context, visit, "Suspense", told)


@dataclass(frozen=True, slots=True)
class Asked:
    """What is looked at. `moved`, `to`: what has just been said of it, and whose it is now."""

    type: Text
    month: Text
    customer: Text = ""
    subject: Text = ""
    cursor: Cursor = None
    moved: Kind | None = None
    to: Text = ""

    @property
    def of(self) -> Suspended:
        return Suspended(self.customer, self.subject, self.type, self.month)


@router.get("/suspense/of")
async def show_suspended(context: Ctx, visit: Reader, asked: Annotated[Asked, Depends()]) -> HTMLResponse:
    page = await _suspended(context, visit, asked)
    return await shown(context, visit, "suspended.html", page, said=SAID[asked.moved])


@router.get("/suspense/of.csv")
async def download_suspended(context: Ctx, visit: Reader, asked: Annotated[Asked, Depends()]) -> Response:
    told = await Services(context, visit).stream(
        "billing", EVENTS, accept=visit.zones.csv, **_narrowed(asked.of)
    )
    return await downloaded(context, visit, f"Events of {asked.of.owner}", told)


@router.post("/suspense/{kind}")
async def mend(
    kind: Kind, request: Request, context: Ctx, visit: Annotated[Visit, submits(*MENDS)]
) -> Response:
    """What is refused is shown beside its form, with what was typed."""
    form = texts_of(await request.form())
    of = Suspended(form.get("of", ""), form.get("subject", ""), form.get("type", ""), form.get("month", ""))
    try:
        path, names, document = _change(kind, of, form)
        await Services(context, visit).change("rating", "POST", path, *names, document=document)
    except ServiceRefused as refused:
        tried = Tried.of(kind, form, refused)
        page = await _suspended(context, visit, Asked(of.type, of.month, of.customer, of.subject), tried)
        return await shown(context, visit, "suspended.html", page, status=status_of(type(refused)))
    to = {"alias": form.get("customer", ""), "customer": of.subject}.get(kind, of.customer)
    return see_other(of.at(**visit.zones.query, moved=kind, to=to))


def _change(kind: Kind, of: Suspended, form: Mapping[str, str]) -> tuple[str, tuple[str, ...], object]:
    """Path, names in it, and document of the call to rating."""
    if kind == "alias":
        return "/v1/customers/{}/aliases", (form.get("customer", ""),), {"alias": of.subject}
    if kind == "customer":
        fields = {"name": form.get("name", ""), "timezone": form.get("timezone", "")}
        return "/v1/customers", (), {"external_id": of.subject, **fields}
    if kind == "meter":
        fields = {name: form[name] for name in ("meter", "aggregation", "field") if form.get(name)}
        return "/v1/meters", (), {"event_type": of.type, **fields}
    return "/v1/contracts", (), Written(form.get("terms", ""), "application/yaml")


async def _suspended(context: Ctx, visit: Visit, asked: Asked, tried: Tried = NOT_TRIED) -> SuspendedPage:
    of, services = asked.of, Services(context, visit)
    owned: dict[str, Any] = {
        "customer": of.customer or None,
        "subject": None if of.customer else of.subject,
        "limit": ROWS,
    }
    waits, of_type, events, drafts = await asyncio.gather(
        services.get("rating", "/v1/suspense", **owned),
        services.get("rating", "/v1/suspense", type=of.type or None, **owned),
        services.get(
            "billing",
            EVENTS,
            **_narrowed(of),
            limit=ROWS,
            cursor=asked.cursor,
        ),
        _drafts(services, asked.to),
    )
    reasons = [row["reason"] for row in required(of_type).document["data"]]
    silent = (("Its events", events), (f"Drafts of {asked.to}", drafts))
    return SuspendedPage(
        f"Suspense of {of.owner}",
        facts_of(of, visit),
        months_table(required(waits).document, visit.zones),
        events_table(of, events.document, visit) if isinstance(events, Told) else None,
        drafts_table(asked.to, drafts.document, visit.zones) if isinstance(drafts, Told) else None,
        tuple(
            told.block(what, of.at(**visit.zones.query)) for what, told in silent if isinstance(told, Silent)
        ),
        mends_of(of, reasons, visit, lambda: new_id("idk"), tried),
    )


def _narrowed(of: Suspended) -> dict[str, str]:
    return {"bucket": "suspense", "customer": of.owner, "type": of.type, "month": of.month}


async def _drafts(services: Services, customer: str) -> Told | Silent | None:
    """What the usage moves: of whoever it belongs to now; None where nobody is named."""
    if not customer:
        return None
    return await services.get("billing", "/v1/invoices", customer=customer, status="draft", limit=ROWS)
