"""How many events there are."""

from services.rating.metering.domain.aggregations.aggregation import Additive

COUNT = Additive("count", reads=None, roles=frozenset({"login"}))
