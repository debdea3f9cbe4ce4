"""What one event contributes to one meter."""

from collections.abc import Callable
from decimal import Decimal
from enum import Enum
from typing import NamedTuple

from services.rating.catalogue.domain.meter import Meter
from services.rating.metering.domain.group import NO_GROUP, Group, group_of
from services.rating.metering.domain.scalar import Fields, at, item_of, label_of, quantity_of

_GROUPS_CACHED_MAX = 50_000


class Contribution(NamedTuple):
    """One event's share of a meter: `value` of count and sum (count: 1), `item` of unique."""

    group: Group
    value: Decimal | int
    item: str | None


class Unread(Enum):
    """The meter takes this event, but its value is missing or cannot be read."""

    VALUE = "value"


Reader = Callable[[Fields], Contribution | Unread | None]


def reader_of(meter: Meter) -> Reader:
    """Return the function that reads an event's fields for this meter: None where a filter leaves the event out."""
    grouped, accepts = _grouping(meter.group_by), _filtering(meter)
    path = tuple(meter.field.split(".")) if meter.field else ()

    def count(fields: Fields) -> Contribution | Unread | None:
        return Contribution(grouped(fields), 1, None) if accepts(fields) else None

    def total(fields: Fields) -> Contribution | Unread | None:
        if not accepts(fields):
            return None
        value = quantity_of(at(fields, path))
        return Unread.VALUE if value is None else Contribution(grouped(fields), value, None)

    def unique(fields: Fields) -> Contribution | Unread | None:
        if not accepts(fields):
            return None
        item = item_of(at(fields, path))
        return Unread.VALUE if item is None else Contribution(grouped(fields), 1, item)

    return {"count": count, "sum": total, "unique": unique}[meter.aggregation]


def _grouping(names: tuple[str, ...]) -> Callable[[Fields], Group]:
    """The group of an event. Groups repeat, so their text is looked up, not built."""
    if not names:
        return lambda _fields: NO_GROUP
    paths = [(name, tuple(name.split("."))) for name in sorted(names)]
    known: dict[tuple[bytes, ...], Group] = {}

    def grouped(fields: Fields) -> Group:
        raw = tuple([at(fields, path) for _, path in paths])
        group = known.get(raw)
        if group is None:
            if len(known) >= _GROUPS_CACHED_MAX:
                known.clear()
            group = known[raw] = group_of({name: label_of(text) for (name, _), text in zip(paths, raw, strict=True)})
        return group

    return grouped


def _filtering(meter: Meter) -> Callable[[Fields], bool]:
    if not meter.filters:
        return lambda _fields: True
    wanted = [(tuple(name.split(".")), frozenset(values)) for name, values in meter.filters.items()]
    return lambda fields: all(label_of(at(fields, path)) in values for path, values in wanted)
