"""What pricing is given beside usage: the contract's versions and the opening balances."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from types import MappingProxyType

from shared.pricing.language import Terms
from shared.values.groups import Group


@dataclass(frozen=True, slots=True, eq=False)
class VersionInForce:
    """A version of the contract. From `effective_at` on it is in force until a version with a higher number
    takes over.

    It is compared by identity, so that a cache keyed by it need not read its terms.
    """

    version: int
    effective_at: datetime
    terms: Terms
    content_hash: str


@dataclass(frozen=True, slots=True)
class Balances:
    """What one period hands to the next: units below zero, by line and group, that its usage has to make up
    for first."""

    carried: Mapping[tuple[str, Group], Decimal] = field(default_factory=lambda: MappingProxyType({}))


EMPTY = Balances()
