"""Query parameters of the delivery log."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Query

from services.signals.webhooks.rows import DeliveryFilter, DeliveryState
from shared.values.fields import AskedSubject, GivenId


@dataclass(frozen=True, slots=True)
class _Asked(DeliveryFilter):
    """The filter, as a query may say it."""

    endpoint: Annotated[GivenId | None, Query()] = None
    signal: Annotated[GivenId | None, Query()] = None
    customer: Annotated[AskedSubject | None, Query(description="External id")] = None
    state: Annotated[DeliveryState | None, Query()] = None


AskedDeliveries = Annotated[DeliveryFilter, Depends(_Asked)]
