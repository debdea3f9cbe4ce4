"""Read documents."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from services.billing.documents.clients import CurrentStatements, StatementsClient
from services.billing.documents.domain.document import Document
from services.billing.documents.domain.filters import DocumentFilter, Place
from services.billing.documents.domain.following import following
from services.billing.documents.repository.cells import CellsRepository
from services.billing.documents.repository.documents import DocumentRepository
from services.billing.documents.repository.lists import ListRepository
from services.billing.documents.rows import Total
from shared.db.listing import Window
from shared.db.unit_of_work import UnitOfWork
from shared.errors import AppError, Kind
from shared.http.page import Cells
from shared.topics.rating import STATEMENTS
from shared.values.instants import from_us

#: Rows of sums, of all states and currencies.
SUMS_MAX = 500


class DocumentNotFound(AppError):
    """There is no such invoice or note."""

    kind = Kind.NOT_FOUND


async def list_places(uow: UnitOfWork, asked: DocumentFilter, window: Window) -> list[Place]:
    """Return where the documents of this window stand in its order."""
    return await ListRepository(uow.connection).page(asked, window)


async def list_documents(uow: UnitOfWork, places: Sequence[Place]) -> list[Document]:
    """Return the documents of these places, lines without their segments; of one snapshot with them in a REPEATABLE READ
    transaction."""
    return await DocumentRepository(uow.connection).of_ids([place.document_id for place in places])


async def list_cells(uow: UnitOfWork, places: Sequence[Place]) -> dict[str, Cells]:
    """Return by id the documents of these places that a download shows as they are stored: what nothing changes any more."""
    return await CellsRepository(uow.connection).finalized([place.document_id for place in places])


async def count_documents(uow: UnitOfWork, asked: DocumentFilter) -> int:
    """How many fit, one more than COUNTED_MAX where it is more."""
    return await ListRepository(uow.connection).count(asked)


async def total_documents(uow: UnitOfWork, asked: DocumentFilter) -> list[Total]:
    """What those that fit come to, by state and currency."""
    return await ListRepository(uow.connection).totals(asked)


async def get_document(uow: UnitOfWork, document_id: str) -> Document:
    """Return one document with its lines (and their segments and steps, once its statement is final), or raise
    DocumentNotFound."""
    found = await DocumentRepository(uow.connection).get(document_id)
    if found is None:
        raise DocumentNotFound(f"no document {document_id[:60]!r}; GET /v1/invoices lists them")
    return found


async def show_current(
    rating: StatementsClient, documents: Sequence[Document], *, segments: bool, at_once: bool = False
) -> list[Document]:
    """Return the documents as they are to be shown: open drafts as rating prices them now, or, where it does
    not, as they were heard last, and then they are stale. Nothing is stored: a revision comes by the bus too.

    Nothing is asked where there is no open draft. Hold no transaction meanwhile.
    """
    open_sources = [
        source
        for document in documents
        if document.is_open
        for source in document.statements
        if not source.final
    ]
    if not open_sources:
        return list(documents)
    answer = await rating.current(open_sources, at_once=at_once)
    return [
        _as_answered(document, answer, segments) if document.is_open else document for document in documents
    ]


def _as_answered(heard: Document, answer: CurrentStatements | None, segments: bool) -> Document:
    """The draft as rating's answer has it: as old as the oldest of its statements."""
    answered = {} if answer is None else {(one.contract, one.period_start): one for one in answer.statements}
    draft, current = heard, answer is not None
    for source in heard.statements:
        found = answered.get((source.contract, source.start_date))
        if found is not None and found.statement is not None:
            draft = following(draft, STATEMENTS.decode(found.statement.encode()), segments=segments)
        current = current and (source.final or (found is not None and found.current))
    as_of = answer.as_of if answer is not None and current else _told_at(draft)
    return replace(draft, as_of=as_of, stale=not current)


def _told_at(draft: Document) -> datetime:
    """When the oldest revision that a draft follows was priced: revisions are of the machine clock."""
    return from_us(min(source.revision for source in draft.statements))


async def merge_sums(uow: UnitOfWork) -> None:
    """Keep few the rows that what documents come to is the sum of."""
    await ListRepository(uow.connection).merge_sums(SUMS_MAX)


async def count_drafts(uow: UnitOfWork) -> dict[str, int]:
    """State → how many drafts are in it."""
    return await DocumentRepository(uow.connection).draft_states()
