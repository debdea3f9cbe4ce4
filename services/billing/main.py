"""Billing, wired."""

from services.billing.documents.api import router as documents
from services.billing.finalization.gate import OpenGate
from services.billing.finalization.jobs import JOBS, idle
from services.billing.heard.consumers import SUBSCRIPTIONS
from services.billing.settings import BillingSettings
from shared.service import Context, Service, build


async def setup(context: Context) -> None:
    context.state["gate"] = OpenGate()


app = build(Service(
    name="billing", port=8103, settings=BillingSettings, routers=(documents,), subscriptions=SUBSCRIPTIONS, jobs=JOBS, setup=setup, idle=idle,
    description="Drafts, finalized invoices, the journal and the proofs.",
))
