"""Billing, wired."""

from dataclasses import dataclass, field

from services.billing.blocks.consumers import SUBSCRIPTIONS as OF_BLOCKS
from services.billing.conservation.api import ROUTERS as CONSERVATION
from services.billing.conservation.clients import Auditor
from services.billing.conservation.jobs import JOBS as CONSERVATION_JOBS
from services.billing.conservation.memory import Rounds
from services.billing.conservation.usecases.watch import Monitor
from services.billing.documents.api import router as documents
from services.billing.documents.jobs import JOBS as DOCUMENT_JOBS
from services.billing.documents.snapshots import JOBS as RETELLING
from services.billing.finalization.jobs import JOBS as FINALIZATION_JOBS
from services.billing.finalization.jobs import finish_due_work
from services.billing.finalization.usecases.ask_conservation import ConservationGate, Gate
from services.billing.journal.api import router as journal
from services.billing.replica.consumers import SUBSCRIPTIONS
from services.billing.reviews.api import router as reviews
from services.billing.settings import BillingSettings
from services.billing.tracing.api import router as tracing
from shared.http.audit import audit_router
from shared.http.exceptions import Work, exceptions_router
from shared.http.freshness import freshness_router
from shared.runtime.context import Foundation
from shared.runtime.service import Service, build


@dataclass(frozen=True)
class BillingState:
    """What one process of billing remembers, and what it asks before it gives a number."""

    gate: Gate
    monitor: Monitor
    rounds: Rounds = field(default_factory=Rounds)


async def setup(foundation: Foundation[BillingSettings]) -> BillingState:
    """The auditor reads all schemas; the gate asks it before a number is given."""
    auditor = Auditor(foundation.settings.auditor_database_url)
    log = foundation.bus if foundation.settings.bus == "kafka" else None
    return BillingState(ConservationGate(auditor), Monitor(auditor, log))


#: What nothing but a person resolves.
BY_PERSON = {"statement_after_final": "rating says nothing after a final statement any more"}
EXCEPTIONS = exceptions_router("list_exceptions", "invoices:read", Work("invoices:write", BY_PERSON))
FRESHNESS = freshness_router("get_freshness", "invoices:read")
AUDIT = audit_router("list_billing_audit")

SERVICE = Service[BillingSettings, BillingState](
    name="billing",
    port=8103,
    settings=BillingSettings,
    routers=(reviews, documents, tracing, journal, EXCEPTIONS, FRESHNESS, AUDIT, *CONSERVATION),
    subscriptions=(*SUBSCRIPTIONS, *OF_BLOCKS),
    jobs=(*FINALIZATION_JOBS, *CONSERVATION_JOBS, *DOCUMENT_JOBS, *RETELLING),
    setup=setup,
    finish_due_work=finish_due_work,
    description="Drafts, finalized invoices, the journal and the proofs.",
)
app = build(SERVICE)
