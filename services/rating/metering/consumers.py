"""What metering hears."""

from services.rating.metering.usecases.meter_batch import meter_batch
from services.rating.metering.usecases.set_aside import set_aside_alone
from shared.runtime.consumer import Subscribe
from shared.topics.usage_ingest import USAGE_EVENTS

SUBSCRIPTIONS = (
    Subscribe(USAGE_EVENTS, meter_batch, records_max=10_000, by_source=True, refuse=set_aside_alone),
)
