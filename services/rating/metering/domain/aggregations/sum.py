"""What the numbers in a field add up to."""

from services.rating.metering.domain.aggregations.aggregation import Additive
from services.rating.metering.domain.scalar import quantity_of

SUM = Additive("sum", reads=quantity_of, takes="a number")
