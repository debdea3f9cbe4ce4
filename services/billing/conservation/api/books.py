"""Checks of the books: asked for, listed and shown."""

from typing import Annotated

from fastapi import APIRouter, Response

from services.billing.conservation.answers.checked import CheckAnswer
from services.billing.conservation.usecases.keep_checks import (
    CheckNotFound,
    ask_for_check,
    find_check,
    list_checks,
)
from services.billing.conservation.usecases.watch import Ctx
from shared.db.unit_of_work import UnitOfWork
from shared.errors import refuses
from shared.http.answers import Listed
from shared.http.changes import Changed, ChangingCall, Of, changing
from shared.http.cursors import name_in
from shared.http.keys import requires
from shared.http.paging import Paged
from shared.values.fields import GivenId
from shared.values.ids import id_pattern

router = APIRouter(prefix="/v1/reconciliation/checks", tags=["Reconciliation"])
READ = requires("invoices:read")
CHECK_ID = id_pattern("chk")


@router.post(
    "",
    operation_id="check_books",
    summary="Let K1–K5 be checked over everything",
    response_model=CheckAnswer,
)
async def check_books(context: Ctx, call: Annotated[ChangingCall, changing("invoices:write")]) -> Response:
    """It begins within a second, and `GET /v1/reconciliation/checks/{id}` says how far it is. One is made at a time; who asks
    while one waits to begin is given that one, which sees all that they have seen."""

    async def act(uow: UnitOfWork) -> Changed:
        asked, is_new = await ask_for_check(uow, call.actor)
        uow.when_committed(context.progress.call)
        answer = CheckAnswer.of(asked)
        return Changed(Of("check", asked.check_id), None, answer, same=not is_new)

    return await call.once(act)


@router.get(
    "",
    operation_id="list_checks",
    dependencies=[READ],
    summary="The checks of the books, newest first, and how far each is",
)
async def get_checks(context: Ctx, page: Paged) -> Listed[CheckAnswer]:
    before = name_in(page, CHECK_ID)
    async with context.db.transaction() as uow:
        found = await list_checks(uow, before, page.limit + 1)
    return Listed[CheckAnswer].page(found, page, lambda check: [check.check_id], CheckAnswer.listed)


@router.get(
    "/{check_id}",
    operation_id="get_check",
    dependencies=[READ],
    summary="One check of the books: how far it is, and what it found",
)
@refuses(CheckNotFound)
async def get_check(context: Ctx, check_id: GivenId) -> CheckAnswer:
    async with context.db.transaction() as uow:
        return CheckAnswer.of(await find_check(uow, check_id))
