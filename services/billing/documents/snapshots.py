"""All finalized documents, page by page: what `shared/runtime/retelling.py` tells once more. They never change, so
nothing is newer than what it tells.

The revision a document was told with is kept nowhere; told again it has that of the day its draft was made,
which is older: whoever has the document keeps it, and whoever lost it takes this one.
"""

from collections.abc import Sequence

from services.billing.documents.domain.document import Line
from services.billing.documents.domain.told import told_line
from services.billing.documents.repository.documents import DocumentRepository
from services.billing.documents.rows import FinalizedDocument
from shared.db.unit_of_work import UnitOfWork
from shared.runtime.clock import to_us
from shared.runtime.retelling import Place, Snapshots, retelling
from shared.topics.billing import DOCUMENTS, DocumentMessage
from shared.values.made_from import made_from

A_PAGE = 100


async def documents(uow: UnitOfWork, after: Place) -> tuple[int, Place]:
    repository = DocumentRepository(uow.connection)
    rows = await repository.finalized_after(after or "", A_PAGE)
    lines = await repository.lines_of([row.document_id for row in rows])
    for row in rows:
        uow.tell(DOCUMENTS, _message(row, lines.get(row.document_id, ())))
    return len(rows), rows[-1].document_id if len(rows) == A_PAGE else None


def _message(row: FinalizedDocument, lines: Sequence[Line]) -> DocumentMessage:
    return made_from(
        DocumentMessage,
        row,
        revision=to_us(row.created_at),
        period_start_date=row.start_date.isoformat(),
        period_end_date=row.end_date.isoformat(),
        issued_on=row.issued_on.isoformat(),
        due_on=row.due_on.isoformat(),
        lines=tuple(map(told_line, lines)),
        corrects=row.corrects,
        occasion=row.occasion,
    )


SNAPSHOTS = (Snapshots(DOCUMENTS, documents),)
JOBS = (retelling(SNAPSHOTS),)
