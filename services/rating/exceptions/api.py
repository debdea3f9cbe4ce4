"""GET /v1/exceptions of rating."""

import re
from typing import Annotated, Any

from fastapi import APIRouter, Query

from services.rating.contracts.api import TEXT_PATTERN
from services.rating.contracts.views import instant
from services.rating.exceptions import repository
from shared.http.keys import requires
from shared.http.paging import CursorInvalid, Page, Paged, listed
from shared.money import currency, format_minor
from shared.service import Ctx

router = APIRouter(prefix="/v1/exceptions", tags=["Exceptions"])
Text = Annotated[str | None, Query(pattern=TEXT_PATTERN, max_length=300)]


@router.get("", operation_id="list_rating_exceptions", summary="Open exceptions, newest first", dependencies=[requires("contracts:read")])
async def list_exceptions(
    context: Ctx, page: Paged, kind: Text = None, owner: Text = None, reference: Text = None,
    resolved: Annotated[bool, Query(description="List the resolved ones instead")] = False,
) -> dict[str, Any]:
    async with context.db.transaction() as uow:
        found = await repository.newest_first(
            uow.connection, kind, owner, reference, resolved=resolved, before=_before(page), rows_max=page.limit + 1)
    return listed(found, page, lambda row: [row["exception_id"]], _shown)


def _before(page: Page) -> str | None:
    if page.after is None:
        return None
    if len(page.after) != 1 or not re.fullmatch(r"exc_[0-9A-Za-z]{22}", str(page.after[0])):
        raise CursorInvalid()
    return str(page.after[0])


def _shown(row: Any) -> dict[str, Any]:
    priced = row["amount_minor"] is not None and row["currency"] is not None
    return {
        "object": "exception", "id": row["exception_id"], "kind": row["kind"], "reference": row["reference"], "detail": row["detail"],
        "owner": row["owner"], "opened_at": instant(row["opened_at"]), "deadline_at": instant(row["deadline_at"]),
        "price": {"amount": format_minor(row["amount_minor"], currency(row["currency"])), "currency": row["currency"]} if priced else None,
        "resolved_at": instant(row["resolved_at"]) if row["resolved_at"] else None,
    }
