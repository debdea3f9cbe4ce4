"""The first page: for who leads, where revenue waits; for everybody else, the first page that is theirs."""

import asyncio
from typing import Annotated, Final, get_args

from fastapi import APIRouter, Query
from fastapi.responses import Response

from services.console.context import Ctx
from services.console.domain.addresses import with_query
from services.console.domain.navigation import open_to
from services.console.domain.visit import Visit
from services.console.frame.answers import see_other, shown
from services.console.frame.memory import glance
from services.console.sessions.parameters import signed_in
from services.console.upstream.clients import Services
from services.console.upstream.domain.told import Service
from services.console.waiting.page.waiting import AT_RISK_SHOWN, READERS, WAITING, Found, waiting_page

router = APIRouter(include_in_schema=False)
SERVICES: Final[tuple[Service, ...]] = get_args(Service)


@router.get(WAITING)
async def show_waiting(
    context: Ctx,
    visit: Annotated[Visit, signed_in()],
    since: Annotated[str, Query(max_length=40, description="A day, such as 2013-12-29")] = "",
) -> Response:
    if visit.role not in READERS:
        return see_other(with_query(open_to(visit.role, context.navigation)[0].path, visit.zones.query))
    found = await _found(context, visit, since)
    return await shown(context, visit, "waiting.html", waiting_page(found, since, visit.here, visit.zones))


async def _found(context: Ctx, visit: Visit, since: str) -> Found:
    services = Services(context, visit)
    standing, quarantine, stakes, at_risk, *exceptions = await asyncio.gather(
        services.get("billing", "/v1/reconciliation/waiting", since=since or None),
        services.get("usage_ingest", "/v1/quarantine/summary", status="open"),
        services.get("signals", "/v1/customers/totals", at_risk="true"),
        services.get("signals", "/v1/customers", at_risk="true", sort="renewal", limit=AT_RISK_SHOWN),
        *(glance(context, visit, service, "/v1/exceptions/summary") for service in SERVICES),
    )
    return Found(standing, quarantine, stakes, at_risk, dict(zip(SERVICES, exceptions, strict=True)))
