"""Billing, wired."""

from services.billing.documents.api import router as documents
from services.billing.exceptions.api import router as exceptions
from services.billing.finalization.gate import OpenGate
from services.billing.finalization.jobs import JOBS, idle
from services.billing.heard.consumers import SUBSCRIPTIONS
from services.billing.journal.api import router as journal
from services.billing.settings import BillingSettings
from services.billing.tracing.api import router as tracing
from shared.service import Context, Service, build


async def setup(context: Context) -> None:
    context.state["gate"] = OpenGate()


app = build(Service(
    name="billing", port=8103, settings=BillingSettings, routers=(documents, tracing, journal, exceptions),
    subscriptions=SUBSCRIPTIONS, jobs=JOBS, setup=setup, idle=idle,
    description="Drafts, finalized invoices, the journal and the proofs.",
))
