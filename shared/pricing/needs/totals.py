"""A total a group."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from shared.pricing.needs.need import Need
from shared.values.groups import Group

TotalsRead = Mapping[Group, Decimal]
"""Group of the need's dimensions → its quantity; a group that is absent counts zero."""


@dataclass(frozen=True, slots=True)
class Totals(Need):
    """Answered by `TotalsRead`."""
