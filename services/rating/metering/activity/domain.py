"""Which meters tell of an event."""

from collections.abc import Iterable, Sequence

from services.rating.catalogue.domain.meter import Meter
from services.rating.metering.domain.aggregations.aggregation import OverItems
from shared.values.names import UNMETERED


class Takers:
    """The meters in force, by what they take."""

    def __init__(self, meters: Iterable[Meter]) -> None:
        self._taking: dict[str, list[str]] = {}
        self.over_items: dict[str, OverItems] = {}
        self.with_role: set[str] = set()
        self._adding_all: set[str] = set()
        for meter in meters:
            self._taking.setdefault(meter.event_type, []).append(meter.meter)
            if isinstance(meter.aggregation, OverItems):
                self.over_items[meter.meter] = meter.aggregation
                if meter.role:
                    self.with_role.add(meter.meter)
            elif not meter.filters:
                self._adding_all.add(meter.event_type)

    def of(self, event_type: str) -> Sequence[str]:
        """The meters that take such an event, or the type itself where none does."""
        return self._taking.get(event_type) or (UNMETERED + event_type,)

    def adds_all(self, event_type: str) -> bool:
        """Whether every such event is added to a row of its hour: where there is no row yet there was none."""
        return event_type in self._adding_all or event_type not in self._taking
