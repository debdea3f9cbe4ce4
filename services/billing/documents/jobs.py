"""What the documents tell Prometheus."""

from prometheus_client import Gauge

from services.billing.context import BillingContext
from services.billing.documents.usecases import count_drafts
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


JOBS = (Job("drafts", EVERY_S, measure, follows_clock=False),)
