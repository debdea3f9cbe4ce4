"""Read documents."""

from collections.abc import Mapping
from typing import Any

from services.billing.documents.domain.document import Document
from services.billing.documents.domain.filters import DocumentFilter
from services.billing.documents.domain.steps import ClauseTerms
from services.billing.documents.repository import DocumentRepository
from services.billing.tracing.domain.clauses import clause_of
from services.billing.tracing.repository import versions_of
from shared.db.unit_of_work import UnitOfWork
from shared.errors import AppError, Kind


class NoSuchDocument(AppError):
    """There is no such invoice or note."""

    kind = Kind.NOT_FOUND


async def list_documents(
    uow: UnitOfWork, asked: DocumentFilter, before: str | None, rows_max: int
) -> list[Document]:
    """Return documents newest first, lines without their segments; of one snapshot in a REPEATABLE READ
    transaction."""
    return await DocumentRepository(uow.connection).newest_first(asked, before, rows_max)


async def get_document(uow: UnitOfWork, document_id: str) -> Document:
    """Return one document with its lines (and their segments, once its statement is final), or raise
    NoSuchDocument."""
    found = await DocumentRepository(uow.connection).get(document_id)
    if found is None:
        raise NoSuchDocument(f"no document {document_id[:60]!r}; GET /v1/invoices lists them")
    return found


async def get_document_with_terms(uow: UnitOfWork, document_id: str) -> tuple[Document, ClauseTerms]:
    """Return one document, and the clauses of its contract as heard; or raise NoSuchDocument."""
    document = await get_document(uow, document_id)
    versions = await versions_of(uow.connection, document.contract)

    def terms_of(clause: str, version: int) -> Mapping[str, Any] | None:
        found = clause_of(document.contract, versions, clause, version)
        return found.terms if found else None

    return document, terms_of


async def count_drafts(uow: UnitOfWork) -> dict[str, int]:
    """How many drafts are held (something is in their way), due (their statement is final) and open (their
    period runs)."""
    return await DocumentRepository(uow.connection).draft_states()
