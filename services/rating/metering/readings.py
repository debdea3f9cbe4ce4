"""Reads quantities for pricing: many needs at once, in a few set-based statements, within the caller's snapshot.

Whole UTC days come from the daily roll-up, whole hours at the edges from the hourly one, and what lies inside an hour (Kathmandu is
+5:45; an amendment may start at any instant) from raw events that are not void. Unique meters count distinct items.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from functools import lru_cache
from typing import NamedTuple, Protocol

import asyncpg

from services.rating.catalogue.domain.meter import Meter
from services.rating.catalogue.repository import CatalogueRepository
from services.rating.metering.aggregates_repository import AggregatesRepository
from services.rating.metering.domain.group import NO_GROUP, OTHER, dimensions_of
from services.rating.metering.domain.group import Group as GroupText
from services.rating.metering.domain.span import Cover, cover
from services.rating.metering.domain.tally import Catalogue
from services.rating.metering.grouping import Admission
from services.rating.metering.readings_repository import AskedRange, ReadingsRepository
from shared.clock import to_us
from shared.errors import AppError, Kind

Group = tuple[tuple[str, str], ...]              # sorted (dimension, value) pairs


class MeterGone(AppError):
    """A quantity was asked of a meter that is not in the catalogue."""

    kind = Kind.NOT_FOUND


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


class UsageAsked(NamedTuple):
    """A need of one customer: all of its subjects count. "subject:x" as customer asks for the subject x alone."""

    customer_id: str
    need: Need


@dataclass(frozen=True, slots=True)
class Watermark:
    """What a snapshot covers: the last batch of each partition of usage.events, and when the newest of it was received (machine clock, µs)."""

    batches: dict[str, int]
    newest_received_us: int


async def watermark(connection: asyncpg.Connection) -> Watermark:
    """Return what the caller's snapshot covers. Cheap at any number of batches."""
    readings = ReadingsRepository(connection)
    batches, newest = await readings.last_batches(), await readings.newest_received()
    return Watermark({str(partition): batch_id for partition, batch_id in batches.items()}, to_us(newest) if newest else 0)


async def read_quantities(connection: asyncpg.Connection, asked: Sequence[UsageAsked]) -> list[dict[Group, Decimal]]:
    """Return one mapping an asked need, in order: group of the asked dimensions → quantity. Groups without usage are absent.

    Raises MeterGone.
    """
    if not asked:
        return []
    meters = {meter.meter: meter for meter in await CatalogueRepository(connection).meters()}
    for one in asked:
        if one.need.meter not in meters:
            raise MeterGone(f"there is no meter {one.need.meter!r}")
    reading = _Reading(asked, meters, ReadingsRepository(connection))
    await reading.read_sums()
    await reading.read_uniques()
    await reading.read_raw(AggregatesRepository(connection))
    return reading.quantities()


@dataclass
class _Reading:
    """Quantities and items as they come in, by number of the need and group."""

    asked: Sequence[UsageAsked]
    meters: Mapping[str, Meter]
    repository: ReadingsRepository
    covers: list[Cover] = field(init=False)
    sums: dict[tuple[int, Group], Decimal] = field(default_factory=dict)
    items: dict[tuple[int, Group], set[str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.covers = [cover(one.need.start, one.need.end, by_days=not self._unique(n)) for n, one in enumerate(self.asked)]

    def quantities(self) -> list[dict[Group, Decimal]]:
        found: list[dict[Group, Decimal]] = [{} for _ in self.asked]
        for (n, group), value in self.sums.items():
            found[n][group] = value
        for (n, group), items in self.items.items():
            found[n][group] = Decimal(len(items))
        return found

    async def read_sums(self) -> None:
        sums = [n for n in range(len(self.asked)) if not self._unique(n)]
        days, hours = self._ranges(sums, "days"), self._ranges(sums, "hours")
        if days or hours:
            for n, group, value in await self.repository.sums(days, hours):
                self._add(n, group, value)

    async def read_uniques(self) -> None:
        """Count in the database where counts add up; fetch the items where groups merge or raw events join in."""
        uniques = [n for n in range(len(self.asked)) if self._unique(n)]
        counted = [n for n in uniques if not self.covers[n].raw and self._keeps_groups(n)]
        listed = [n for n in uniques if self.covers[n].raw or not self._keeps_groups(n)]
        if ranges := self._ranges(counted, "hours"):
            for n, group, count in await self.repository.distinct_items(ranges):
                self._add(n, group, Decimal(count))
        if ranges := self._ranges(listed, "hours"):
            for n, group, item in await self.repository.items(ranges):
                self.items.setdefault((n, self._projected(n, group)), set()).add(item)

    async def read_raw(self, aggregates: AggregatesRepository) -> None:
        """Read the events inside edge hours as their meter reads them."""
        ranges = [
            AskedRange(n, one.customer_id, one.need.meter, True, start, end, self.meters[one.need.meter].event_type)
            for n, one in enumerate(self.asked) for start, end in self.covers[n].raw
        ]
        if not ranges:
            return
        rows = await self.repository.raw_events(ranges)
        admission = await self._admission({self.asked[n].need.meter for n, _ in rows}, rows, aggregates)
        catalogue = Catalogue(0, self.meters.values())
        alone = {meter: catalogue.only(meter) for meter in {self.asked[n].need.meter for n, _ in rows}}
        for n, event in rows:
            tally = alone[self.asked[n].need.meter].tally([event])
            for (subject, meter, group, hour), change in tally.hours.items():
                self._add(n, admission.where_it_is(subject, meter, group, hour), Decimal(change.value))
            for subject, meter, group, hour, item in tally.uniques:
                self.items.setdefault((n, self._projected(n, admission.where_it_is(subject, meter, group, hour))), set()).add(item)

    async def _admission(self, meters: set[str], rows: Sequence[tuple[int, object]], aggregates: AggregatesRepository) -> Admission:
        """Which groups are in, where a meter has too many: an edge hour must be read as its aggregate is kept."""
        admission = Admission(0)
        crowded = await self.repository.crowded(meters, OTHER)
        for meter, month in crowded:
            subjects = {event.subject for n, event in rows if self.asked[n].need.meter == meter}  # type: ignore[attr-defined]
            table = "usage_uniques" if self.meters[meter].aggregation == "unique" else "usage_days"
            admission.known[meter, month] = await aggregates.groups_of(table, meter, month, subjects)
        return admission

    def _unique(self, n: int) -> bool:
        return self.meters[self.asked[n].need.meter].aggregation == "unique"

    def _keeps_groups(self, n: int) -> bool:
        """Whether the asked dimensions are none, or all of the meter's: then the database may count."""
        wanted = set(self.asked[n].need.dimensions)
        return not wanted or wanted == set(self.meters[self.asked[n].need.meter].group_by)

    def _ranges(self, numbers: Iterable[int], kind: str) -> list[AskedRange]:
        return [
            AskedRange(n, self.asked[n].customer_id, self.asked[n].need.meter, bool(self.asked[n].need.dimensions), start, end, "")
            for n in numbers for start, end in getattr(self.covers[n], kind)
        ]

    def _projected(self, n: int, group: GroupText | None) -> Group:
        return _group_by(self.asked[n].need.dimensions, group or NO_GROUP)

    def _add(self, n: int, group: GroupText | None, value: Decimal) -> None:
        key = (n, self._projected(n, group))
        self.sums[key] = self.sums.get(key, Decimal(0)) + value


@lru_cache(50_000)
def _group_by(wanted: tuple[str, ...], text: GroupText) -> Group:
    """The wanted dimensions of a group. Groups repeat from customer to customer, so their text is read once."""
    if not wanted:
        return ()
    dimensions = dimensions_of(text)
    return tuple((name, dimensions.get(name, "")) for name in sorted(wanted))
