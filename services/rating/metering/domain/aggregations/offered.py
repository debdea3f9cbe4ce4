"""The aggregations a meter may have. Each is stored, told and asked for by its name."""

from collections.abc import Iterable

from services.rating.metering.domain.aggregations.aggregation import Aggregation
from services.rating.metering.domain.aggregations.count import COUNT
from services.rating.metering.domain.aggregations.sum import SUM
from services.rating.metering.domain.aggregations.unique import UNIQUE

AGGREGATIONS: dict[str, Aggregation] = {found.name: found for found in (COUNT, SUM, UNIQUE)}


def _listed(words: Iterable[str]) -> str:
    """The words as a sentence has them: "a, b and c"."""
    *first, last = words
    return f"{', '.join(first)} and {last}" if first else last


#: The names of those that read a field, bare and with what the field holds, and of those that read none.
_READERS = [found for found in AGGREGATIONS.values() if found.reads is not None]
FIELD_READERS = _listed(found.name for found in _READERS)
FIELD_READERS_AND_VALUES = _listed(f"{found.name} ({found.takes})" for found in _READERS)
WITHOUT_FIELD = _listed(found.name for found in AGGREGATIONS.values() if found.reads is None)
