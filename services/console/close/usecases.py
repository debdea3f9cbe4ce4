"""What the pages of a close ask the services."""

import asyncio
from typing import Any, Final

from services.console.close.domain.steps import Looked
from services.console.context import ConsoleContext
from services.console.domain.month import Month
from services.console.domain.visit import Visit
from services.console.frame.memory import glance
from services.console.frame.usecases import CHECKS_LOOKED_AT
from services.console.upstream.clients import Services
from services.console.upstream.domain.told import Silent, required
from shared.runtime.clock import machine_now
from shared.values.instants import read_instant

ROWS: Final = 50
SUSPENSE: Final = "/v1/reconciliation/suspense"


async def look_at(context: ConsoleContext, visit: Visit, month: Month) -> Looked:
    """All at once; the checks are those of the line on top of every page."""
    services = Services(context, visit)
    return Looked(
        *await asyncio.gather(
            services.get("rating", "/v1/closing/{}", month.name),
            services.get("usage_ingest", "/v1/quarantine/summary", status="open"),
            services.get("billing", SUSPENSE, until=month.name),
            glance(context, visit, "billing", "/v1/reconciliation/checks", limit=CHECKS_LOOKED_AT),
            services.get("billing", "/v1/invoices/totals", status="draft", **month.ends),
            services.get("billing", "/v1/journal/months/{}", month.name),
            services.get("rating", "/v1/late-usage", limit=ROWS),
        )
    )


async def month_to_close(context: ConsoleContext, visit: Visit) -> Month:
    """The last one that is over by the business clock; by this machine's where that is not known."""
    told = await glance(context, visit, "rating", "/v1/clock")
    now = machine_now() if isinstance(told, Silent) else read_instant(told.document["now"])
    return Month(now.date().replace(day=1)).before


async def suspended_of(services: Services, customer: str, type_: str, reason: str) -> dict[str, Any] | None:
    """What waits of one customer, or subject, of a type for a reason; None where nothing does any more. Raises
    ServiceSilent."""
    told = required(await services.get("billing", SUSPENSE, customer=customer, type=type_))
    lines: list[dict[str, Any]] = told.document["lines"]
    return next((line for line in lines if line["reason"] == reason), None)
