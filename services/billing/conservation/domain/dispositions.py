"""The buckets of K3: what became of a stored event."""

from collections.abc import Mapping
from enum import StrEnum


class Bucket(StrEnum):
    """Exactly one for each stored event."""

    VOIDED = "voided"
    SUSPENSE = "suspense"
    UNPRICED = "unpriced"
    HELD_LATE = "held_late"
    WAIVED_LATE = "waived_late"
    HELD = "held"
    APPLIED = "applied"


class Reason(StrEnum):
    """Why an event is in suspense (the first of these that is missing) or held. A query, never a flag: it resolves by itself."""

    NO_CUSTOMER = "no_customer"
    NO_METER = "no_meter"
    NO_CONTRACT = "no_contract"
    PRICING_FAILED = "pricing_failed"


SUSPENSE_REASONS = (Reason.NO_CUSTOMER, Reason.NO_METER, Reason.NO_CONTRACT)


class Unbilled(StrEnum):
    """Why settled money is not documented."""

    PERIOD_OPEN = "period_open"
    NOT_FINALIZED = "not_finalized"


OWNERS: Mapping[Reason, str] = {
    Reason.NO_CUSTOMER: "integration engineer", Reason.NO_METER: "integration engineer", Reason.NO_CONTRACT: "account executive",
    Reason.PRICING_FAILED: "finance",
}
"""Who makes the events of each reason billable: by an alias or a customer, by a meter, by a contract, by usage or prices that can be priced."""
HELD_LATE_OWNER = "finance"
UNBILLED_OWNERS: Mapping[Unbilled, str] = {Unbilled.PERIOD_OPEN: "rating", Unbilled.NOT_FINALIZED: "billing operations"}
"""An open period closes by itself, which rating sees to; what is final and has no document waits for what `GET /v1/exceptions` lists."""
