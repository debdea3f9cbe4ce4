"""What the pages of work ask the services."""

import asyncio
from collections.abc import Mapping
from datetime import datetime
from typing import Final

from services.console.context import ConsoleContext
from services.console.domain.visit import Visit
from services.console.frame.memory import glance
from services.console.upstream.clients import Services
from services.console.upstream.domain.told import Query, Service, Silent, Told
from services.console.work.domain.cases import SERVICES, State
from shared.values.instants import read_instant

ROWS: Final = 50
EXCEPTIONS: Final = "/v1/exceptions"
ASKED: Final[Mapping[State, Mapping[str, Query]]] = {
    "open": {"sort": "deadline"},
    "overdue": {"sort": "deadline", "overdue": "true"},
    "resolved": {"sort": "-deadline", "resolved": "true"},
}


async def list_work(
    services: Services, service: Service | str, owner: str, state: State, cursor: str
) -> dict[Service, Told | Silent]:
    """A page of the exceptions of this service, or of each. Raises ServiceRefused."""
    fits = {"owner": owner or None, "cursor": cursor or None, **ASKED[state]}
    asked = [one for one in SERVICES if service in ("", one)]
    told = await asyncio.gather(*(services.get(one, EXCEPTIONS, limit=ROWS, **fits) for one in asked))
    return dict(zip(asked, told, strict=True))


async def business_now(context: ConsoleContext, visit: Visit) -> datetime | None:
    """None where the clock does not answer."""
    told = await glance(context, visit, "rating", "/v1/clock")
    return None if isinstance(told, Silent) else read_instant(told.document["now"])
