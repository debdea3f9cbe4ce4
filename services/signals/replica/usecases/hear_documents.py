"""Hear documents: a finalized one is a fact worth telling; a draft is not."""

from datetime import date

from services.signals.context import SignalsContext
from services.signals.domain.evidence import evidence_at
from services.signals.domain.fact import Fact
from services.signals.facts.usecases.tell import Told, tell
from shared.db.unit_of_work import UnitOfWork
from shared.runtime.consumer import Batch, BatchCounts
from shared.topics.billing import DocumentMessage
from shared.values.money import currency, format_minor


async def hear_documents(
    batch: Batch[DocumentMessage], uow: UnitOfWork, context: SignalsContext
) -> BatchCounts:
    now = context.clock.now()
    finalized = [message for message in batch.messages if message.status == "finalized"]
    told = await tell(
        uow, [Told(m.customer_id, m.customer, now, _finalized(m, now.date())) for m in finalized], now
    )
    return BatchCounts(new=len(told), duplicate=len(batch.messages) - len(told))


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
