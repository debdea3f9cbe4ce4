"""Terms parsed once: a version never changes, so its parsed form is kept, newest used last."""

from collections import OrderedDict
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from shared.pricing.inputs import VersionInForce
from shared.pricing.language import parse_terms

KEPT_MAX = 20_000
Row = Any                                  # a database row: names to values
_kept: OrderedDict[tuple[str, int, str, datetime], VersionInForce] = OrderedDict()


def chain_of(rows: Iterable[Row]) -> tuple[VersionInForce, ...]:
    """Return the versions of the rows (contract, version, effective_at, content_hash, terms), in their order."""
    return tuple(_version_of(row) for row in rows)


def _version_of(row: Row) -> VersionInForce:
    name = (row["contract"], row["version"], row["content_hash"], row["effective_at"])
    found = _kept.get(name)
    if found is None:
        found = _kept[name] = VersionInForce(row["version"], row["effective_at"], parse_terms(row["terms"]), row["content_hash"])
        if len(_kept) > KEPT_MAX:
            _kept.popitem(last=False)
    else:
        _kept.move_to_end(name)
    return found
