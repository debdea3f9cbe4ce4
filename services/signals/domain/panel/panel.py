"""A panel: what customers did by day, and what came of each as far as it was recorded."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from services.signals.domain.customer_day import Contract
from services.signals.domain.panel.counts import Counts


@dataclass(frozen=True, slots=True)
class RecordedOutcome:
    """What came of a customer on a day, as somebody wrote it down."""

    on: date
    lost: bool


@dataclass(frozen=True, slots=True)
class Panel:
    """Days [first, end) are known. Where outcomes are recorded, they alone say who was lost."""

    name: str
    customers: Mapping[str, Counts]
    first: date
    end: date
    outcomes: Mapping[str, Sequence[RecordedOutcome]] = field(default_factory=dict)
    contracts: Mapping[str, Sequence[Contract]] = field(default_factory=dict)
    timezone: str = "UTC"
    #: What is counted, as the contracts call it.
    meter: str = "use"
