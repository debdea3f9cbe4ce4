"""How many different values a field has."""

from collections.abc import Set
from decimal import Decimal

from services.rating.metering.domain.aggregations.aggregation import OverItems
from services.rating.metering.domain.scalar import item_of


def _how_many(items: Set[str]) -> Decimal:
    return Decimal(len(items))


UNIQUE = OverItems(
    "unique",
    reads=item_of,
    takes="a text, number or boolean",
    quantity=_how_many,
    quantity_sql="count({item})",
    roles=frozenset({"user", "team", "feature"}),
)
