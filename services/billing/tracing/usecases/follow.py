"""Follow a line over the periods of its contract, and tell what became of a document."""

from services.billing.documents.domain.document import Document, Line
from services.billing.documents.repository.documents import DocumentRepository
from services.billing.documents.usecases import get_document
from services.billing.tracing.domain.periods import LinePeriod, over_periods
from services.billing.tracing.repository import documents_of_periods, history_of
from services.billing.tracing.rows import HistoryRow
from services.billing.tracing.usecases.trace import line_of
from shared.db.unit_of_work import UnitOfWork


async def follow_line(
    uow: UnitOfWork, document_id: str, line_id: str, periods_max: int
) -> tuple[Line, list[LinePeriod]]:
    """Return the line, and what its clause came to in the last periods up to the document's own, the oldest first; of drafts as
    they were heard. Raises DocumentNotFound and LineNotFound."""
    document = await get_document(uow, document_id)
    line = line_of(document, line_id)
    ids = await documents_of_periods(uow.connection, line.contract, line.start_date, periods_max)
    documents = await DocumentRepository(uow.connection).of_ids(ids)
    return line, list(over_periods(documents, line))


async def tell_history(uow: UnitOfWork, document_id: str) -> tuple[Document, list[HistoryRow]]:
    """Return the document and what became of it, the oldest first. Raises DocumentNotFound."""
    document = await get_document(uow, document_id)
    return document, await history_of(uow.connection, document_id)
