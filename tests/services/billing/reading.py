"""Reads of a test's own, each in a transaction as the doors open it."""

from services.billing.documents import usecases
from services.billing.documents.domain.document import Document
from services.billing.documents.domain.filters import DocumentFilter
from services.billing.finalization.usecases import finalize
from shared.db.listing import Order, Window
from shared.db.unit_of_work import Database


async def list_documents(
    db: Database, asked: DocumentFilter, before: str | None, rows_max: int
) -> list[Document]:
    """The newest first."""
    after = None if before is None else (before, before)
    async with db.transaction(isolation="repeatable_read") as uow:
        places = await usecases.list_places(uow, asked, Window(Order("created", True), after, rows_max))
        return await usecases.list_documents(uow, places)


async def get_document(db: Database, document_id: str) -> Document:
    async with db.transaction(isolation="repeatable_read") as uow:
        return await usecases.get_document(uow, document_id)


async def nothing_due(db: Database) -> bool:
    async with db.transaction() as uow:
        return await finalize.nothing_due(uow)
