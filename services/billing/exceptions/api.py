"""GET /v1/exceptions: what is wrong, whose it is, until when, and what it is worth."""

from typing import Annotated, Any

from fastapi import APIRouter, Query

from services.billing.cursors import before_id
from services.billing.documents.shown import instant
from services.billing.exceptions import repository
from services.billing.parameters import Text
from shared.http.keys import requires
from shared.http.paging import Paged, listed
from shared.money import currency, format_minor
from shared.service import Ctx

router = APIRouter(prefix="/v1/exceptions", tags=["Exceptions"], dependencies=[requires("invoices:read")])


@router.get("", operation_id="list_exceptions", summary="Open exceptions, newest first")
async def list_exceptions(
    context: Ctx, page: Paged,
    kind: Text = None,
    owner: Text = None,
    reference: Text = None,
    resolved: Annotated[bool, Query(description="List the resolved ones instead")] = False,
) -> dict[str, Any]:
    async with context.db.transaction() as uow:
        found = await repository.newest_first(
            uow.connection, kind, owner, reference, resolved=resolved, before=before_id(page), rows_max=page.limit + 1,
        )
    return listed(found, page, lambda row: [row["exception_id"]], _shown)


def _shown(row: Any) -> dict[str, Any]:
    priced = row["amount_minor"] is not None and row["currency"] is not None
    return {
        "object": "exception", "id": row["exception_id"], "kind": row["kind"], "reference": row["reference"], "detail": row["detail"],
        "owner": row["owner"], "opened_at": instant(row["opened_at"]), "deadline_at": instant(row["deadline_at"]),
        "price": {"amount": format_minor(row["amount_minor"], currency(row["currency"])), "currency": row["currency"]} if priced else None,
        "resolved_at": instant(row["resolved_at"]),
    }
