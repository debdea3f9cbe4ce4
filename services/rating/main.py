"""Rating, wired."""

from dataclasses import dataclass

from services.rating.blocks.api import router as blocks
from services.rating.catalogue.api import router as catalogue
from services.rating.clock.api import router as clock
from services.rating.closing.api import router as closings
from services.rating.closing.usecases import figures
from services.rating.contracts.api import router as contracts
from services.rating.corrections.api import router as corrections
from services.rating.customers.api import router as customers
from services.rating.disposition.api import router as disposition
from services.rating.disposition.jobs import JOBS as LOOKING
from services.rating.metering.activity.api import router as activity
from services.rating.metering.consumers import SUBSCRIPTIONS
from services.rating.metering.jobs import JOBS
from services.rating.metering.memory import MeteringMemory
from services.rating.metering.raw.api import router as raw_events
from services.rating.metering.usage.api import router as usage
from services.rating.paper.api import router as paper
from services.rating.paper.memory import Desk
from services.rating.settings import RatingSettings
from services.rating.snapshots import JOBS as RETELLING
from services.rating.statements.api import router as statements
from services.rating.statements.jobs import jobs
from services.rating.statements.memory import Closing, DueSince, Pace, Queues, Reading
from services.rating.statements.usecases.finish_due_work import finish_due_work
from shared.http.audit import audit_router
from shared.http.exceptions import Work, exceptions_router
from shared.http.freshness import freshness_router
from shared.runtime.context import Foundation
from shared.runtime.service import Service, build


@dataclass(frozen=True)
class RatingState:
    """What one process of rating remembers."""

    metering: MeteringMemory
    closing: Closing
    queues: Queues
    pace: Pace
    reading: Reading
    desk: Desk


async def setup(foundation: Foundation[RatingSettings]) -> RatingState:
    """Nothing is known before the first batch."""
    settings = foundation.settings
    closing = Closing(DueSince(settings.close_delayed_after_s))
    return RatingState(MeteringMemory(settings.groups_max), closing, Queues(), Pace(), Reading(), Desk())


#: What nothing but a person resolves: it opens again with the next usage that is so.
BY_PERSON = {
    "usage_value_unreadable": "the meter, or the events, are corrected",
    "meter_groups_exceeded": "usage is grouped by fewer values, or the limit is higher",
    "meter_group_too_long": "shorter values are sent, or usage is grouped by fewer fields",
}
EXCEPTIONS = exceptions_router("list_rating_exceptions", "contracts:read", Work("contracts:write", BY_PERSON))
FRESHNESS = freshness_router("get_rating_freshness", "contracts:read", figures)
AUDIT = audit_router("list_rating_audit")

SERVICE = Service[RatingSettings, RatingState](
    name="rating",
    port=8102,
    settings=RatingSettings,
    subscriptions=SUBSCRIPTIONS,
    routers=(
        blocks,
        catalogue,
        customers,
        contracts,
        corrections,
        usage,
        activity,
        raw_events,
        disposition,
        statements,
        closings,
        paper,
        EXCEPTIONS,
        FRESHNESS,
        AUDIT,
        clock,
    ),
    jobs=(*JOBS, *jobs(RatingSettings().pricing_workers), *LOOKING, *RETELLING),
    setup=setup,
    finish_due_work=finish_due_work,
    description="Customers, the catalogue, contracts, usage and what it comes to.",
)
app = build(SERVICE)
