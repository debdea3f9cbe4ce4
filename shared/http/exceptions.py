"""GET /v1/exceptions, the same in every service: what is wrong there, whose it is, until when, and what it is
worth."""

from typing import Annotated, Literal, Self

from fastapi import APIRouter, Query
from pydantic import Field

from shared.cases import Case, CaseFilter, newest_first
from shared.http.answers import Answer, Instant, Listed, WorthAnswer
from shared.http.cursors import name_in
from shared.http.keys import requires
from shared.http.paging import Paged
from shared.http.shown_names import ExceptionId, Owner
from shared.runtime.context import Ctx
from shared.values.fields import AskedReference, Word
from shared.values.made_from import made_from

EXCEPTION_ID = r"exc_[0-9A-Za-z]{22}"
Text = Annotated[Word | None, Query()]
Reference = Annotated[AskedReference | None, Query(description="What the exception is about")]


class ExceptionAnswer(Answer):
    """Something that waits for its owner, or did. Times are of the business clock."""

    object: Literal["exception"] = "exception"
    id: ExceptionId
    kind: Annotated[str, Field(examples=["conservation_k5"])]
    reference: str
    """What it is about"""
    detail: str
    """Names the fault and the remedy"""
    owner: Owner
    opened_at: Instant
    deadline_at: Instant
    price: WorthAnswer | None
    """What it is worth"""
    resolved_at: Instant | None

    @classmethod
    def of(cls, case: Case) -> Self:
        return made_from(
            cls,
            case,
            id=case.exception_id,
            price=WorthAnswer.of(case.worth) if case.worth is not None else None,
        )


def exceptions_router(operation_id: str, scope: str) -> APIRouter:
    """The route over the service's own table, for callers with `scope`."""
    router = APIRouter(prefix="/v1/exceptions", tags=["Exceptions"], dependencies=[requires(scope)])

    @router.get("", operation_id=operation_id, summary="Open exceptions, newest first")
    async def list_exceptions(
        context: Ctx,
        page: Paged,
        kind: Text = None,
        owner: Text = None,
        reference: Reference = None,
        resolved: Annotated[bool, Query(description="List the resolved ones instead")] = False,
    ) -> Listed[ExceptionAnswer]:
        before = name_in(page, EXCEPTION_ID)
        async with context.db.transaction() as uow:
            found = await newest_first(
                uow,
                CaseFilter(kind, owner, reference),
                resolved=resolved,
                before=before,
                rows_max=page.limit + 1,
            )
        return Listed[ExceptionAnswer].page(found, page, lambda case: [case.exception_id], ExceptionAnswer.of)

    return router
