"""Hear quarantined events: one fact a customer or subject, type and day, however many events it is."""

from datetime import UTC

from services.signals.context import SignalsContext
from services.signals.domain.evidence import evidence_at
from services.signals.domain.fact import Fact
from services.signals.facts.usecases.tell import Told, tell
from services.signals.replica.repository.replica import ReplicaRepository
from shared.db.unit_of_work import UnitOfWork
from shared.runtime.clock import from_us
from shared.runtime.consumer import Batch, BatchCounts
from shared.topics.usage_ingest import QuarantineMessage

#: An event whose subject could not be read.
NOBODY = "unknown"


async def hear_quarantine(
    batch: Batch[QuarantineMessage], uow: UnitOfWork, context: SignalsContext
) -> BatchCounts:
    known = await ReplicaRepository(uow.connection).customers_named(
        sorted({m.subject for m in batch.messages})
    )
    told = [_told(m, known[m.subject].customer_id if m.subject in known else "") for m in batch.messages]
    fresh = await tell(uow, told, context.clock.now())
    return BatchCounts(new=len(fresh), duplicate=len(batch.messages) - len(fresh))


def _told(message: QuarantineMessage, customer_id: str) -> Told:
    at = from_us(message.business_us).astimezone(UTC)
    who = message.subject or NOBODY
    data = {
        "subject": message.subject,
        "event_type": message.type,
        "day": at.date().isoformat(),
        "first": message.quarantine_id,
        "code": message.code,
        "detail": message.detail,
        "source": message.source,
        "evidence": evidence_at("usage_ingest", "quarantine", message.quarantine_id),
    }
    return Told(
        customer_id,
        who,
        at,
        Fact("usage.quarantined", (who, message.type, at.date().isoformat()), at.date(), data),
    )
