"""What a contract is to pricing: the versions of its terms."""

from dataclasses import dataclass
from datetime import datetime

from shared.pricing.language import Terms


@dataclass(frozen=True, slots=True, eq=False, weakref_slot=True)
class VersionInForce:
    """A version of the contract. From `effective_at` on it is in force until a version with a higher number
    takes over.

    It is compared by identity, so that what is kept of it is found without reading its terms, and goes with it.
    """

    version: int
    effective_at: datetime
    terms: Terms
    content_hash: str
