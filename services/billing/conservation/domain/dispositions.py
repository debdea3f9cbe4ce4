"""The buckets of K3: what became of a stored event."""

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
