"""Reads quantities for pricing: many needs at once, in a few set-based statements, within the caller's
snapshot.

Whole UTC days come from the daily roll-up, whole hours at the edges from the hourly one, and what lies inside
an hour (Kathmandu is +5:45; an amendment may start at any instant) from raw events that are not void. Meters
over items have no daily roll-up: they are read from hours. Where batches are left out, their events are subtracted from
what adds up; meters over items are read from raw events, some at a time.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from functools import reduce
from itertools import pairwise
from typing import NamedTuple

from services.rating.catalogue.domain.meter import Meter, MeterNotFound
from services.rating.catalogue.repository import CatalogueRepository
from services.rating.metering.domain.aggregations.aggregation import OverItems
from services.rating.metering.domain.apart import Apart, Left
from services.rating.metering.domain.collected import Collected, Need, projected
from services.rating.metering.domain.group import GroupKey, group_of
from services.rating.metering.domain.span import Cover, Range, cover
from services.rating.metering.domain.stretches import Stretches, TakenOut
from services.rating.metering.domain.tally import Catalogue, Tally
from services.rating.metering.repository.admission import AdmissionRepository
from services.rating.metering.repository.readings import SUBJECT_ALONE, AskedRange, ReadingsRepository
from services.rating.metering.repository.sums import SumsRepository
from services.rating.metering.repository.usage import StoredEvent
from shared.db.unit_of_work import UnitOfWork
from shared.runtime.clock import to_us
from shared.values.groups import Group


class UsageAsked(NamedTuple):
    """A need of one customer: all of its subjects count, what stands `apart` left out. "subject:x" as
    customer asks for the subject x alone.

    `left`: subjects that are its no more, and what of them counts all the same. What is taken `out`, voids too, is read as if
    it had not come.
    """

    customer_id: str
    need: Need
    apart: tuple[Apart, ...] = ()
    left: tuple[Left, ...] = ()
    out: TakenOut | None = None


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of one subject that is read by itself, but for what is charged elsewhere; None: all of it."""

    n: int
    subject: str
    cover: Cover
    elsewhere: Stretches | None


@dataclass(frozen=True, slots=True)
class Watermark:
    """What a snapshot covers: the last batch of each partition of usage.events that is folded, and when the
    newest of them was received (machine clock, µs)."""

    batches: dict[str, int]
    newest_received_us: int


async def watermark(uow: UnitOfWork) -> Watermark:
    """Return what the caller's snapshot covers. Cheap at any number of batches."""
    batches, newest = await ReadingsRepository(uow.connection).folded()
    return Watermark(batches, to_us(newest) if newest else 0)


async def read_quantities(
    uow: UnitOfWork, asked: Sequence[UsageAsked], meters: Mapping[str, Meter] | None = None
) -> list[dict[Group, Decimal]]:
    """Return one mapping an asked need, in order: group of the asked dimensions → quantity. Groups without
    usage are absent. `meters`: those that are asked for, as they are read, by whoever knows them already.

    Raises MeterNotFound.
    """
    if not asked:
        return []
    if meters is None:
        meters = await CatalogueRepository(uow.connection).meters_read()
    for one in asked:
        if one.need.meter not in meters:
            raise MeterNotFound(f"there is no meter {one.need.meter!r}")
    reading = _Reading(asked, meters, ReadingsRepository(uow.connection))
    await reading.read_sums(SumsRepository(uow.connection))
    await reading.read_items()
    rows_of = AdmissionRepository(uow.connection)
    await reading.read_raw(rows_of)
    await reading.read_differences(rows_of)
    return reading.collected.quantities(len(asked))


@dataclass
class _Reading:
    """Quantities and items as they come in, by number of the need and group."""

    asked: Sequence[UsageAsked]
    meters: Mapping[str, Meter]
    repository: ReadingsRepository
    over_items: dict[int, OverItems] = field(init=False)
    covers: list[Cover] = field(init=False)
    pieces: list[Piece] = field(init=False)
    collected: Collected = field(init=False)

    def __post_init__(self) -> None:
        self.over_items = {
            n: aggregation
            for n, one in enumerate(self.asked)
            if isinstance(aggregation := self.meters[one.need.meter].aggregation, OverItems)
        }
        self.collected = Collected(self.over_items)
        self.covers = [self._cover(n, one.need.start, one.need.end) for n, one in enumerate(self.asked)]
        self.pieces = [piece for n, one in enumerate(self.asked) for piece in self._pieces(n, one)]

    async def read_sums(self, sums: SumsRepository) -> None:
        adding = [n for n in range(len(self.asked)) if n not in self.over_items]
        days, hours = self._ranges(adding, "days"), self._ranges(adding, "hours")
        if days or hours:
            for (n, group), value in (await sums.sums(days, hours)).items():
                self._add(n, group, value)

    async def read_items(self) -> None:
        """Take the quantity from the database where it alone has all items of a group; fetch the items where
        groups merge or raw events join in."""
        listed: list[int] = []
        counted: dict[OverItems, list[int]] = {}
        for n, aggregation in self.over_items.items():
            if self.covers[n].raw or self._alone(n) or self.asked[n].left or not self._keeps_groups(n):
                listed.append(n)
            else:
                counted.setdefault(aggregation, []).append(n)
        for aggregation, numbers in counted.items():
            if ranges := self._ranges(numbers, "hours"):
                for n, group, quantity in await self.repository.quantities_of_items(aggregation, ranges):
                    self._add(n, group, quantity)
        if ranges := self._ranges(listed, "hours"):
            for n, group, item in await self.repository.items(ranges):
                self.collected.count(n, self._projected(n, group), item)

    async def read_raw(self, rows_of: AdmissionRepository) -> None:
        """Read the events inside edge hours, and what cannot be read otherwise, as their meter reads them."""
        ranges = [
            self._range(n, None, (start, end))
            for n in range(len(self.asked))
            for start, end in self.covers[n].raw
        ] + [
            self._range(piece.n, piece.subject, (start, end), elsewhere=piece.elsewhere)
            for piece in self.pieces
            for start, end in piece.cover.raw
        ]
        ranges += [
            self._range(n, left.subject, (one.need.start, one.need.end))._replace(
                among=left.counted, out=None
            )
            for n, one in enumerate(self.asked)
            for left in one.left
        ]
        if not ranges:
            return
        async for rows in self.repository.raw_events(ranges):
            for n, tally in await self._tallied(rows_of, rows):
                for (_, _, group, _), change in tally.sums.items():
                    self._add(n, group, Decimal(change.value))
                for _, _, group, _, item in tally.items:
                    self.collected.count(n, self._projected(n, group), item)

    async def read_differences(self, rows_of: AdmissionRepository) -> None:
        """Take what is out off what aggregates have, and add what they have no more and whose void is out."""
        ranges = [
            self._range(n, None, stretch)
            for n, one in enumerate(self.asked)
            if one.out is not None
            for stretch in self.covers[n].aggregated
        ] + [
            self._range(piece.n, piece.subject, stretch)
            for piece in self.pieces
            if self.asked[piece.n].out is not None
            for stretch in piece.cover.aggregated
        ]
        if not ranges:
            return
        changed: set[tuple[int, Group]] = set()
        async for found in self.repository.differences(ranges):
            for sign in (1, -1):
                rows = [(n, event) for n, event, of_event in found if of_event == sign]
                for n, tally in await self._tallied(rows_of, rows):
                    for (_, _, group, _), change in tally.sums.items():
                        self._add(n, group, sign * Decimal(change.value))
                        changed.add((n, self._projected(n, group)))
        self.collected.forget_empty(changed)

    async def _tallied(
        self, rows_of: AdmissionRepository, rows: Sequence[tuple[int, StoredEvent]]
    ) -> list[tuple[int, Tally]]:
        """What each of these events adds to the meter of its need, in the groups that aggregates keep it in."""
        meters = [self.meters[meter] for meter in sorted({self.asked[n].need.meter for n, _ in rows})]
        admission = await rows_of.admission(meters, {event.subject for _, event in rows})
        alone = {meter.meter: Catalogue(0, [meter]) for meter in meters}
        return [
            (n, alone[self.asked[n].need.meter].tally([event]).regrouped(admission.where))
            for n, event in rows
        ]

    def _keeps_groups(self, n: int) -> bool:
        """Whether the asked dimensions are none, or all of the meter's: then the database may count."""
        wanted = set(self.asked[n].need.dimensions)
        return not wanted or wanted == set(self.meters[self.asked[n].need.meter].group_by)

    def _blank(self, n: int) -> GroupKey | None:
        """How usage reads that fell into `other`: as if it had none of the meter's dimensions. None: groups
        are not asked."""
        return (
            group_of(dict.fromkeys(self.meters[self.asked[n].need.meter].group_by, ""))
            if self.asked[n].need.dimensions
            else None
        )

    def _ranges(self, numbers: Iterable[int], kind: str) -> list[AskedRange]:
        wanted = set(numbers)
        return [
            self._range(n, None, (start, end))
            for n in numbers
            for start, end in getattr(self.covers[n], kind)
        ] + [
            self._range(piece.n, piece.subject, (start, end))
            for piece in self.pieces
            if piece.n in wanted
            for start, end in getattr(piece.cover, kind)
        ]

    def _range(
        self, n: int, subject: str | None, stretch: Range, *, elsewhere: Stretches | None = None
    ) -> AskedRange:
        """A stretch of one subject, or of all that are not read by themselves."""
        one = self.asked[n]
        need, taken = one.need, one.out
        out = None
        if taken is not None:
            out = taken.batches if subject is None else taken.of_subject(subject)
        return AskedRange(
            n,
            one.customer_id if subject is None else f"{SUBJECT_ALONE}{subject}",
            need.meter,
            self._blank(n),
            *stretch,
            self.meters[need.meter].event_type,
            self._alone(n) if subject is None else (),
            out=out.with_all(elsewhere) if out and elsewhere else out or elsewhere,
            voids_out=out,
        )

    def _alone(self, n: int) -> tuple[str, ...]:
        """The subjects of a need that are read by themselves, in pieces."""
        one = self.asked[n]
        if not (one.apart or one.out):
            return ()
        own = one.out.of.keys() - {left.subject for left in one.left} if one.out else ()
        return tuple({*(apart.subject for apart in one.apart), *own})

    def _pieces(self, n: int, one: UsageAsked) -> Iterator[Piece]:
        """Cut a subject's share of the need where anything stands apart: what does is read from raw events
        that are charged nowhere else. A subject of which nothing does is one piece."""
        start, end = one.need.start, one.need.end
        for subject in self._alone(n):
            taken = [
                apart
                for apart in one.apart
                if apart.subject == subject and apart.start < end and apart.end > start
            ]
            edges = sorted(
                {
                    start,
                    end,
                    *(edge for apart in taken for edge in (apart.start, apart.end) if start < edge < end),
                }
            )
            for lower, upper in pairwise(edges):
                over = [apart.charged for apart in taken if apart.start <= lower and upper <= apart.end]
                if over:
                    elsewhere = reduce(Stretches.with_all, over)
                    yield Piece(n, subject, Cover((), (), ((lower, upper),)), elsewhere)
                else:
                    yield Piece(n, subject, self._cover(n, lower, upper), None)

    def _cover(self, n: int, start: datetime, end: datetime) -> Cover:
        if self.asked[n].out is not None and n in self.over_items:
            return Cover((), (), ((start, end),))
        return cover(start, end, by_days=n not in self.over_items)

    def _projected(self, n: int, group: GroupKey | None) -> Group:
        return projected(self.asked[n].need.dimensions, group)

    def _add(self, n: int, group: GroupKey | None, value: Decimal) -> None:
        self.collected.add(n, self._projected(n, group), value)
