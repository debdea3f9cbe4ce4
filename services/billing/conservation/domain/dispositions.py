"""The buckets of K3: what became of a stored event; why it waits, and who makes it billable."""

from collections.abc import Mapping
from enum import StrEnum


class Bucket(StrEnum):
    """What became of an event: exactly one for each that is stored."""

    VOIDED = "voided"
    SUSPENSE = "suspense"
    UNPRICED = "unpriced"
    HELD_LATE = "held_late"
    WAIVED_LATE = "waived_late"
    HELD = "held"
    APPLIED = "applied"


class Reason(StrEnum):
    """Why an event is in suspense (the first of these that is missing) or held. A query, never a flag: it
    resolves by itself."""

    NO_CUSTOMER = "no_customer"
    NO_METER = "no_meter"
    NO_CONTRACT = "no_contract"
    PRICING_FAILED = "pricing_failed"


SUSPENSE_REASONS = (Reason.NO_CUSTOMER, Reason.NO_METER, Reason.NO_CONTRACT)
VALUED = (Bucket.SUSPENSE, Bucket.HELD_LATE, Bucket.HELD)
"""Where usage waits, and is worth what the list price says."""
LISTED = (*VALUED, Bucket.VOIDED, Bucket.WAIVED_LATE)
"""What no statement settles: worth what the list price says, whether it waits or not."""


class Late(StrEnum):
    """Why usage is held late."""

    AFTER_THE_CUT = "after_the_cut"


class Unbilled(StrEnum):
    """Why settled money is not documented."""

    PERIOD_OPEN = "period_open"
    NOT_FINALIZED = "not_finalized"


class Place(StrEnum):
    """Where revenue waits: as usage in a bucket, or as settled money that no document says yet."""

    SUSPENSE = Bucket.SUSPENSE.value
    HELD_LATE = Bucket.HELD_LATE.value
    HELD = Bucket.HELD.value
    UNBILLED = "unbilled"


Why = Reason | Late | Unbilled
OWNERS: Mapping[Why, str] = {
    Reason.NO_CUSTOMER: "integration engineer",
    Reason.NO_METER: "integration engineer",
    Reason.NO_CONTRACT: "account executive",
    Reason.PRICING_FAILED: "finance",
    Late.AFTER_THE_CUT: "finance",
    Unbilled.PERIOD_OPEN: "rating",
    Unbilled.NOT_FINALIZED: "billing operations",
}
"""Who makes it billable: by an alias or a customer, by a meter, by a contract, by usage or prices that can be
priced, by a decision.

An open period closes by itself, which rating sees to; what is final and has no document waits for what `GET
/v1/exceptions` lists.
"""
