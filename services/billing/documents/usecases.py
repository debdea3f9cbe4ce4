"""Read documents."""

from services.billing.documents.domain.document import Document
from services.billing.documents.domain.filters import DocumentFilter
from services.billing.documents.repository import DocumentRepository
from shared.db import Database
from shared.errors import AppError, Kind


class NoSuchDocument(AppError):
    """There is no such invoice or note."""

    kind = Kind.NOT_FOUND


async def list_documents(db: Database, asked: DocumentFilter, before: str | None, rows_max: int) -> list[Document]:
    """Return documents newest first, lines without their segments, from one snapshot."""
    async with db.transaction(isolation="repeatable_read") as uow:
        return await DocumentRepository(uow.connection).newest_first(asked, before, rows_max)


async def get_document(db: Database, document_id: str) -> Document:
    """Return one document with lines and segments, or raise NoSuchDocument."""
    async with db.transaction(isolation="repeatable_read") as uow:
        found = await DocumentRepository(uow.connection).get(document_id)
    if found is None:
        raise NoSuchDocument(f"no document {document_id[:60]!r}; GET /v1/invoices lists them")
    return found
