"""Hear documents: a finalized one is a fact worth telling, and settles what it asks for; a draft is neither."""

from collections.abc import Sequence
from datetime import date

from services.signals.context import SignalsContext
from services.signals.domain.evidence import evidence_at
from services.signals.domain.fact import Fact
from services.signals.domain.settled import settled_by, settles
from services.signals.facts.usecases.tell import Told, tell
from services.signals.replica.repository.settled import SettledRepository
from services.signals.replica.rows import HeardDocument
from shared.db.unit_of_work import UnitOfWork
from shared.runtime.consumer import Batch, BatchCounts
from shared.topics.billing import DocumentMessage
from shared.values.money import currency, format_minor


async def hear_documents(
    batch: Batch[DocumentMessage], uow: UnitOfWork, context: SignalsContext
) -> BatchCounts:
    """A document is new if it was not told yet, or if what it settles was not kept."""
    now = context.clock.now()
    finalized = [message for message in batch.messages if message.status == "finalized"]
    kept = await _keep_settled(uow, finalized)
    told = await tell(
        uow, [Told(m.customer_id, m.customer, now, _finalized(m, now.date())) for m in finalized], now
    )
    new = len(kept | {str(fact.data["invoice"]) for fact in told})
    return BatchCounts(new=new, duplicate=len(batch.messages) - new)


async def _keep_settled(uow: UnitOfWork, finalized: Sequence[DocumentMessage]) -> set[str]:
    """Keep what these documents settle, of each once, however often and in whatever order they come; return the ids of
    those that are new."""
    settling = {message.document_id: message for message in finalized if settles(message)}
    if not settling:
        return set()
    settled = SettledRepository(uow.connection)
    new = await settled.note([HeardDocument.of(settling[name]) for name in sorted(settling)])
    await settled.store([row for name in sorted(new) for row in settled_by(settling[name]) if row.is_money])
    return new


def _finalized(message: DocumentMessage, today: date) -> Fact:
    total = format_minor(message.total_minor, currency(message.currency))
    period = {"start": message.period_start_date, "end": message.period_end_date}
    data = {
        "invoice": message.document_id,
        "number": message.number,
        "kind": message.kind,
        "currency": message.currency,
        "total": total,
        "period": period,
        "issued_on": message.issued_on,
        "due_on": message.due_on,
        "corrects": message.corrects,
        "evidence": evidence_at("billing", "invoices", message.document_id),
    }
    day = date.fromisoformat(message.issued_on) if message.issued_on else today
    return Fact("invoice.finalized", (message.document_id,), day, data, message.contract)
