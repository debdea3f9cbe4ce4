"""The API of signals, for customer success."""

from dataclasses import asdict
from datetime import datetime
from decimal import Decimal
from typing import Any

from fastapi import APIRouter
from fastapi.encoders import jsonable_encoder

from services.signals.repository import SignalsRepository
from services.signals.usecases import Standing, standing
from shared.decimals import plain
from shared.http.keys import requires
from shared.http.paging import Paged, listed
from shared.service import Ctx

router = APIRouter(prefix="/v1", tags=["Signals"])

DEFINITIONS = {
    "last_seen_at": "time of the newest event of the customer, by meter and over all; unit: instant",
    "share": "used ÷ capacity in the current service period; unit: 1 = all of it",
    "elapsed": "time passed ÷ length of the current service period; unit: 1 = all of it",
    "pace": "share ÷ elapsed; above 1 the capacity is used up before the period ends",
    "renewal.due": "today lies in the notice window before the end of the term",
}


@router.get("/customers", operation_id="list_customer_signals", dependencies=[requires("signals:read")], summary="Where every customer stands")
async def list_standings(context: Ctx, page: Paged) -> dict[str, Any]:
    async with context.db.transaction() as uow:
        signals = SignalsRepository(uow.connection)
        rows = await signals.customers_page(str(page.after[0]) if page.after else "", page.limit + 1)
        found = [await standing(signals, row["external_id"], context.clock.now()) for row in rows]
    return listed(found, page, lambda s: [s.customer], shown)


@router.get("/customers/{external_id}/signals", operation_id="get_customer_signals", dependencies=[requires("signals:read")],
            summary="Consumption against time, last seen, renewal")
async def get_signals(external_id: str, context: Ctx) -> dict[str, Any]:
    async with context.db.transaction() as uow:
        found = await standing(SignalsRepository(uow.connection), external_id, context.clock.now())
    return shown(found) | {"definitions": DEFINITIONS}


def shown(found: Standing) -> dict[str, Any]:
    """A Standing as JSON: decimals as plain strings, times in RFC 3339."""
    document: dict[str, Any] = jsonable_encoder(asdict(found), custom_encoder={Decimal: plain, datetime: _instant})
    return document


def _instant(value: datetime) -> str:
    return value.isoformat().replace("+00:00", "Z")
