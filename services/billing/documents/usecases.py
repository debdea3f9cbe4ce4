"""Read documents."""

from collections.abc import Mapping
from typing import Any

from services.billing.documents.domain.document import Document
from services.billing.documents.domain.filters import DocumentFilter
from services.billing.documents.domain.steps import ClauseTerms
from services.billing.documents.repository import DocumentRepository
from services.billing.tracing.domain.clauses import clause_of
from services.billing.tracing.repository import versions_of
from shared.db.unit_of_work import Database
from shared.errors import AppError, Kind


class NoSuchDocument(AppError):
    """There is no such invoice or note."""

    kind = Kind.NOT_FOUND


async def list_documents(
    db: Database, asked: DocumentFilter, before: str | None, rows_max: int
) -> list[Document]:
    """Return documents newest first, lines without their segments, from one snapshot."""
    async with db.transaction(isolation="repeatable_read") as uow:
        return await DocumentRepository(uow.connection).newest_first(asked, before, rows_max)


async def get_document(db: Database, document_id: str) -> Document:
    """Return one document with its lines (and their segments, once its statement is final), or raise
    NoSuchDocument."""
    async with db.transaction(isolation="repeatable_read") as uow:
        found = await DocumentRepository(uow.connection).get(document_id)
    if found is None:
        raise NoSuchDocument(f"no document {document_id[:60]!r}; GET /v1/invoices lists them")
    return found


async def get_document_with_terms(db: Database, document_id: str) -> tuple[Document, ClauseTerms]:
    """Return one document, and the clauses of its contract as heard; or raise NoSuchDocument."""
    document = await get_document(db, document_id)
    async with db.transaction() as uow:
        versions = await versions_of(uow.connection, document.contract)

    def terms_of(clause: str, version: int) -> Mapping[str, Any] | None:
        found = clause_of(document.contract, versions, clause, version)
        return found.terms if found else None

    return document, terms_of
