"""What readers collect for needs: numbers that add up and items that are counted, by need and group, until they are
quantities."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from functools import lru_cache
from typing import Protocol

from services.rating.metering.domain.aggregations.aggregation import OverItems
from services.rating.metering.domain.group import NO_GROUP, GroupKey, dimensions_of
from shared.values.groups import Group


class Need(Protocol):
    """The usage of a meter between two instants (half-open), by these dimensions."""

    @property
    def meter(self) -> str: ...
    @property
    def start(self) -> datetime: ...
    @property
    def end(self) -> datetime: ...
    @property
    def dimensions(self) -> tuple[str, ...]: ...


@dataclass(slots=True)
class Collected:
    """Of the needs by number; `over_items` are those whose meter counts items."""

    over_items: Mapping[int, OverItems]
    sums: dict[tuple[int, Group], Decimal] = field(default_factory=dict)
    items: dict[tuple[int, Group], set[str]] = field(default_factory=dict)

    def add(self, n: int, group: Group, value: Decimal) -> None:
        self.sums[n, group] = self.sums.get((n, group), Decimal(0)) + value

    def count(self, n: int, group: Group, item: str) -> None:
        self.items.setdefault((n, group), set()).add(item)

    def forget_empty(self, among: Iterable[tuple[int, Group]]) -> None:
        """Leave those of these groups out that come to nothing."""
        for key in among:
            if not self.sums[key]:
                del self.sums[key]

    def quantities(self, needs: int) -> list[dict[Group, Decimal]]:
        """Return one mapping a need: group → quantity. Groups without usage are absent."""
        found: list[dict[Group, Decimal]] = [{} for _ in range(needs)]
        for (n, group), value in self.sums.items():
            found[n][group] = value
        for (n, group), items in self.items.items():
            found[n][group] = self.over_items[n].quantity(items)
        return found


def projected(wanted: tuple[str, ...], group: GroupKey | None) -> Group:
    """Return the wanted dimensions of a group; "" where it has none."""
    return _group_by(wanted, group or NO_GROUP)


@lru_cache(50_000)
def _group_by(wanted: tuple[str, ...], text: GroupKey) -> Group:
    """Groups repeat from customer to customer, so their text is read once."""
    if not wanted:
        return ()
    dimensions = dimensions_of(text)
    return tuple((name, dimensions.get(name, "")) for name in sorted(wanted))
