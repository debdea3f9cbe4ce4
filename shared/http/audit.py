"""GET /v1/audit, the same in every service: who changed what there, when, by which key, from what into what."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Literal, Self

from fastapi import APIRouter, Depends, Query
from pydantic import Field

from shared.audit import AuditFilter, AuditRow, Place, newest_audit
from shared.http.answers import Answer, Instant, Listed, described_by
from shared.http.cursors import instant_in, parts_in
from shared.http.instants import Instant as AskedInstant
from shared.http.keys import requires
from shared.http.paging import CursorInvalid, Page, Paged
from shared.http.shown_names import KeyId
from shared.runtime.context import Ctx
from shared.values.fields import AskedReference, GivenId, Word
from shared.values.ids import id_pattern
from shared.values.instants import to_us
from shared.values.made_from import made_from

AUDIT_ID = id_pattern("aud")
SCOPE = "audit:read"
Shown = Annotated[
    Mapping[str, object], described_by("The object as its own `GET /v1/…` showed it, without secrets")
]


@dataclass(frozen=True, slots=True)
class AskedRows(AuditFilter):
    """The filter, as a query may say it."""

    actor: Annotated[Word | None, Query(description="Whom U2C-Actor named, or a key's id")] = None
    key_id: Annotated[GivenId | None, Query(alias="key", description="The key's id, key_…")] = None
    verb: Annotated[Word | None, Query(description="The operation's id, such as change_customer")] = None
    object: Annotated[Word | None, Query(description="What was changed, such as customer")] = None
    object_id: Annotated[AskedReference | None, Query(description="The object's id or name")] = None
    since: Annotated[AskedInstant | None, Query(alias="from")] = None
    until: Annotated[AskedInstant | None, Query(alias="to")] = None


Asked = Annotated[AskedRows, Depends()]


class AuditedAnswer(Answer):
    """What a row is about: an object of this API."""

    object: Annotated[str, Field(examples=["customer"])]
    id: Annotated[str, Field(examples=["acme-emea"])]


class AuditRowAnswer(Answer):
    """One change of one object. Rows are never changed, and kept for ever."""

    object: Literal["audit_row"] = "audit_row"
    id: Annotated[str, Field(examples=["aud_0355r6GE5yU135fW6KlO0n"])]
    at: Instant
    """By the machine's clock"""
    actor: Annotated[str, Field(examples=["usr_1"])]
    """Whom U2C-Actor named, else the key; `command line` for commands on the deployment's machine"""
    key: KeyId | None
    """Null for the command line"""
    verb: Annotated[str, Field(examples=["change_customer"])]
    """The id of the operation, as this document has it"""
    of: AuditedAnswer
    before: Shown | None
    """Null where there was none"""
    after: Shown | None
    """Null where there is none any more"""
    request_id: str
    """Finds the request in the logs; `x-request-id` of its answer"""

    @classmethod
    def of_row(cls, row: AuditRow) -> Self:
        return made_from(
            cls,
            row,
            id=row.audit_id,
            key=row.key_id,
            of=AuditedAnswer(object=row.object, id=row.object_id),
        )


def audit_router(operation_id: str) -> APIRouter:
    """The route over the service's own table."""
    router = APIRouter(prefix="/v1/audit", tags=["Audit"], dependencies=[requires(SCOPE)])

    @router.get("", operation_id=operation_id, summary="Who changed what, newest first")
    async def list_audit(context: Ctx, page: Paged, wanted: Asked) -> Listed[AuditRowAnswer]:
        async with context.db.transaction() as uow:
            found = await newest_audit(uow, wanted, _before(page), page.limit + 1)
        return Listed[AuditRowAnswer].page(
            found, page, lambda row: [to_us(row.at), row.audit_id], AuditRowAnswer.of_row
        )

    return router


def _before(page: Page) -> Place | None:
    """The row that a cursor names."""
    found = parts_in(page, int, str)
    if found is None:
        return None
    at_us, audit_id = found
    if not re.fullmatch(AUDIT_ID, audit_id):
        raise CursorInvalid()
    return instant_in(at_us), audit_id
