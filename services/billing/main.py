"""Billing, wired."""

from services.billing.conservation.api import router as conservation
from services.billing.conservation.clients import Auditor
from services.billing.conservation.jobs import JOBS as CONSERVATION_JOBS
from services.billing.documents.api import router as documents
from services.billing.documents.jobs import JOBS as DOCUMENT_JOBS
from services.billing.documents.snapshots import JOBS as RETELLING
from services.billing.finalization.jobs import JOBS as FINALIZATION_JOBS
from services.billing.finalization.jobs import idle
from services.billing.finalization.usecases.ask_conservation import ConservationGate
from services.billing.journal.api import router as journal
from services.billing.replica.consumers import SUBSCRIPTIONS
from services.billing.settings import BillingSettings
from services.billing.tracing.api import router as tracing
from shared.http.exceptions import exceptions_router
from shared.runtime.service import Context, Service, build


async def setup(context: Context) -> None:
    """The auditor reads all schemas; the gate asks it before a number is given."""
    context.state["auditor"] = Auditor(context.settings.auditor_database_url)
    context.state["gate"] = ConservationGate(context.state["auditor"])


EXCEPTIONS = exceptions_router("list_exceptions", "invoices:read")

app = build(
    Service(
        name="billing",
        port=8103,
        settings=BillingSettings,
        routers=(documents, tracing, journal, EXCEPTIONS, conservation),
        subscriptions=SUBSCRIPTIONS,
        jobs=(*FINALIZATION_JOBS, *CONSERVATION_JOBS, *DOCUMENT_JOBS, *RETELLING),
        setup=setup,
        idle=idle,
        description="Drafts, finalized invoices, the journal and the proofs.",
    )
)
