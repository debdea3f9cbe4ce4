"""What one event contributes to one meter."""

from collections.abc import Callable
from decimal import Decimal
from enum import Enum
from typing import Any, NamedTuple

from services.rating.catalogue.domain.meter import Meter
from services.rating.metering.domain.aggregations.aggregation import OverItems
from services.rating.metering.domain.fields import FieldReader
from services.rating.metering.domain.group import NO_GROUP, GroupKey, group_of
from services.rating.metering.domain.scalar import label_of

_GROUPS_CACHED_MAX = 50_000


class Contribution(NamedTuple):
    """One event's share of a meter: the number that adds up, or the `item` of an aggregation over items
    (`value`: 1)."""

    group: GroupKey
    value: Decimal | int
    item: str | None


class Unread(Enum):
    """The meter takes this event, but its value is missing or cannot be read."""

    VALUE = "value"


class MeterReader:
    """A meter ready to read. `accepts` is None without filters, `measure` where each event counts 1; fields
    come from the type's FieldReader."""

    __slots__ = ("accepts", "grouped", "keeps_items", "measure", "name")

    def __init__(self, meter: Meter, fields: FieldReader) -> None:
        self.name = meter.meter
        self.keeps_items = isinstance(meter.aggregation, OverItems)
        self.accepts = _filtering(meter, fields)
        self.grouped = _grouping(meter.group_by, fields)
        self.measure = _measuring(meter, fields)

    def read(self, fields: Any) -> Contribution | Unread | None:
        """Return the contribution, None where a filter leaves the event out."""
        if self.accepts is not None and not self.accepts(fields):
            return None
        if self.measure is None:
            return Contribution(self.grouped(fields), 1, None)
        value = self.measure(fields)
        if value is None:
            return Unread.VALUE
        return (
            Contribution(self.grouped(fields), 1, value)
            if self.keeps_items
            else Contribution(self.grouped(fields), value, None)
        )


def paths_of(meter: Meter) -> list[str]:
    """The fields a meter reads."""
    return [*meter.group_by, *meter.filters, *([meter.field] if meter.field else [])]


def _measuring(meter: Meter, fields: FieldReader) -> Callable[[Any], Any] | None:
    read = meter.aggregation.reads
    if read is None or meter.field is None:
        return None
    take = fields.getter(meter.field)
    return lambda event_fields: read(take(event_fields))


def _grouping(names: tuple[str, ...], fields: FieldReader) -> Callable[[Any], GroupKey]:
    """The group of an event. Groups repeat, so their text is looked up, not built."""
    if not names:
        return lambda _fields: NO_GROUP
    dimensions = tuple(sorted(names))
    take = fields.tuple_getter(dimensions)
    known: dict[tuple[str, ...], GroupKey] = {}

    def built(values: tuple[Any, ...]) -> GroupKey:
        group = group_of({name: label_of(value) for name, value in zip(dimensions, values, strict=True)})
        # 1 and True are one key of a dict, and two groups.
        if all(type(value) is str for value in values):
            if len(known) >= _GROUPS_CACHED_MAX:
                known.clear()
            known[values] = group
        return group

    def grouped(event_fields: Any) -> GroupKey:
        values = take(event_fields)
        try:
            return known[values]
        except (KeyError, TypeError):
            return built(values)

    return grouped


def _filtering(meter: Meter, fields: FieldReader) -> Callable[[Any], bool] | None:
    if not meter.filters:
        return None
    wanted = [(fields.getter(path), frozenset(values)) for path, values in meter.filters.items()]
    return lambda event_fields: all(label_of(take(event_fields)) in values for take, values in wanted)
