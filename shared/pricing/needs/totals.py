"""A total a group."""

from collections.abc import Mapping
from decimal import Decimal

from shared.pricing.needs.need import Need
from shared.values.groups import Group

TotalsRead = Mapping[Group, Decimal]
"""Group of the need's dimensions → its quantity; a group that is absent counts zero."""


class Totals(Need, frozen=True, gc=False, cache_hash=True):
    """Answered by `TotalsRead`."""
