"""Difference: what a document that is made now asks for: the period as it is priced, less what its earlier documents
asked for, line by line."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Final

from shared.pricing.results import PricedLine

Asked = Mapping[str, int]
"""Line id → minor units that documents ask for; a line that is absent is not asked for."""
NOTHING: Final[Asked] = MappingProxyType({})


def difference(now: Sequence[PricedLine], before: Asked) -> Asked:
    """Return the lines that differ, by how much; one that is no longer there is taken back whole."""
    amounts = {line.line_id: line.amount_minor for line in now}
    if not before:
        return {name: minor for name, minor in amounts.items() if minor}
    changed = {name: amounts.get(name, 0) - before.get(name, 0) for name in [*amounts, *before]}
    return {name: minor for name, minor in changed.items() if minor}
