"""A packed row: what the series of one subject came to in one hour or day.

Its columns are kept as PostgreSQL sends elements of a bigint[]: a row has a hundred of them, a fold changes a few,
and nothing is decoded or encoded but those. Exact: where a number does not fit, the row's values become whole
numbers without bound, and are stored as decimals; whether they fit is decided before anything is written.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from functools import lru_cache
from struct import Struct

from services.rating.metering.domain.delta import FITS
from shared.values.decimals import plain

Place = tuple[int, int]  # subject number; hour or day since the epoch
ItemHour = tuple[int, int, int]  # subject number, series number, hour since the epoch
ELEMENT = 12  # bytes: a length, which is 8, and a number
AT_ONCE = 128  # elements that are decoded together
_element = Struct(">iq")
_number = Struct(">q")
_get, _put = _number.unpack_from, _number.pack_into
_ZERO = _element.pack(8, 0)


class Packed:
    """`series`, `events`, `values`: columns, values in units of 10^-scale. `wide`: the values instead, where one
    does not fit."""

    __slots__ = ("events", "scale", "series", "values", "weight", "wide")

    def __init__(
        self,
        scale: int = 0,
        series: bytes = b"",
        events: bytes = b"",
        values: bytes = b"",
        wide: Sequence[Decimal] | None = None,
    ) -> None:
        self.scale = scale
        self.series, self.events, self.values = bytearray(series), bytearray(events), bytearray(values)
        self.wide = [int(value.scaleb(scale)) for value in wide] if wide is not None else None
        self.weight = 0  # as it was last reckoned: see memory

    def __len__(self) -> int:
        return len(self.series) // ELEMENT

    def add(self, element: bytes, events: int, scale: int, value: int) -> None:
        """Add events and a value in units of 10^-scale to a series, given as its element. Written out: it runs for
        all that is ever added up. Sought from the end, since elements begin alike: half the time."""
        at = self.series.rfind(element)
        if at < 0 or at % ELEMENT:
            at = self._place(element)
        at += 4
        counts = self.events
        _put(counts, at, _get(counts, at)[0] + events)
        if scale != self.scale:
            if scale > self.scale:
                self._rescale(scale)
            value *= 10 ** (self.scale - scale)
        if self.wide is None:
            values = self.values
            total: int = _get(values, at)[0] + value
            if -FITS < total < FITS:
                _put(values, at, total)
                return
            self._widen(numbers_of(values))
        assert self.wide is not None
        self.wide[at // ELEMENT] += value

    def totals(self, meters: Mapping[int, str | None]) -> dict[str, tuple[int, str]]:
        """Return meter → events and value (a decimal) over its series, of those that `meters` names."""
        found: dict[str, list[int]] = {}
        values = numbers_of(self.values) if self.wide is None else self.wide
        for series, events, value in zip(
            numbers_of(self.series), numbers_of(self.events), values, strict=True
        ):
            if (meter := meters.get(series)) is not None:
                total = found.setdefault(meter, [0, 0])
                total[0] += events
                total[1] += value
        return {meter: (events, self._said(value)) for meter, (events, value) in found.items()}

    def _said(self, value: int) -> str:
        return plain(Decimal(value).scaleb(-self.scale)) if self.scale else str(value)

    def decimals(self) -> list[Decimal]:
        """The values of a wide row."""
        return [Decimal(value).scaleb(-self.scale) for value in self.wide or ()]

    def drop(self, series: Collection[int]) -> None:
        """Leave these series out."""
        kept = [n for n, number in enumerate(numbers_of(self.series)) if number not in series]
        if len(kept) < len(self):
            self.series, self.events = _chosen(self.series, kept), _chosen(self.events, kept)
            if self.wide is None:
                self.values = _chosen(self.values, kept)
            else:
                self.wide = [self.wide[n] for n in kept]

    def _place(self, element: bytes) -> int:
        """Where the series has its element; at the end, with nothing in it, where it had none."""
        at = self.series.rfind(element)
        while at > 0 and at % ELEMENT:
            at = self.series.rfind(element, 0, at + ELEMENT - 1)
        if at < 0:
            at = len(self.series)
            self.series += element
            self.events += _ZERO
            if self.wide is None:
                self.values += _ZERO
            else:
                self.wide.append(0)
        return at

    def _rescale(self, scale: int) -> None:
        by = 10 ** (scale - self.scale)
        self.scale = scale
        if self.wide is not None:
            self.wide = [value * by for value in self.wide]
            return
        values = [value * by for value in numbers_of(self.values)]
        if all(-FITS < value < FITS for value in values):
            self.values = bytearray(b"".join([_element.pack(8, value) for value in values]))
        else:
            self._widen(values)

    def _widen(self, values: Sequence[int]) -> None:
        self.wide, self.values = list(values), bytearray()


def element_of(series: int) -> bytes:
    """A series as an element of `series`."""
    return _element.pack(8, series)


def numbers_of(column: bytes | bytearray) -> tuple[int, ...]:
    """The numbers in a column."""
    count = len(column) // ELEMENT
    if count <= AT_ONCE:
        return _numbers(count).unpack(column)
    whole = count // AT_ONCE * AT_ONCE * ELEMENT
    found: list[int] = []
    for numbers in _numbers(AT_ONCE).iter_unpack(memoryview(column)[:whole]):
        found += numbers
    return (*found, *_numbers(count % AT_ONCE).unpack_from(column, whole))


@lru_cache(AT_ONCE + 1)
def _numbers(count: int) -> Struct:
    """So many elements, without their lengths: 32 bytes each, so that of long rows not each length is kept."""
    return Struct(">" + "4xq" * count)


def _chosen(column: bytearray, places: Sequence[int]) -> bytearray:
    return bytearray(b"").join([column[ELEMENT * n : ELEMENT * (n + 1)] for n in places])


@dataclass(frozen=True, slots=True)
class Written:
    """What adding a change came to: the rows, as they are now; those of them that were not there before; and
    where an item is there that was not, or is there no more."""

    rows: Mapping[Place, Packed] = field(default_factory=dict)
    fresh: frozenset[Place] = frozenset()
    items: frozenset[ItemHour] = frozenset()

    def then(self, later: "Written") -> "Written":
        """What this and a later change came to."""
        fresh = self.fresh | (later.fresh - self.rows.keys())
        return Written({**self.rows, **later.rows}, fresh, self.items | later.items)
