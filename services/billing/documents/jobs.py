"""What the documents tell Prometheus, and what they come to in few rows."""

from prometheus_client import Gauge

from services.billing.context import BillingContext
from services.billing.documents.usecases import count_drafts, merge_sums
from shared.runtime.jobs import Job

EVERY_S = 10.0
DRAFTS = Gauge(
    "u2c_drafts",
    "Drafts: open (their period runs), due (final and on their way), held (something is in their way), awaiting_approval",
    ["state"],
)


async def measure(context: BillingContext) -> None:
    async with context.db.transaction() as uow:
        found = await count_drafts(uow)
    for state in ("open", "due", "held", "awaiting_approval"):
        DRAFTS.labels(state).set(found.get(state, 0))


async def merge(context: BillingContext) -> None:
    async with context.db.transaction() as uow:
        await merge_sums(uow)


JOBS = (
    Job("drafts", EVERY_S, measure, follows_clock=False),
    Job("document_sums", EVERY_S, merge, follows_clock=False),
)
