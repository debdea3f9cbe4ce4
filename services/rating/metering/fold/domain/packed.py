"""A packed row: what the series of one subject came to in one hour or day. Exact: sums are whole numbers in
units of 10^-scale, without bound; what does not fit the store's 64 bits is written as decimals."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from services.rating.metering.domain.delta import FITS

Place = tuple[int, int]  # subject number, hour since the epoch
ItemHour = tuple[int, int, int]  # subject number, series number, hour since the epoch


@dataclass(slots=True)
class Packed:
    """`sums`: series number → [events, value in units of 10^-scale]."""

    scale: int = 0
    sums: dict[int, list[int]] = field(default_factory=dict)

    def add(self, series: int, events: int, scale: int, value: int) -> None:
        """Add events and a value in units of 10^-scale."""
        if scale > self.scale:
            by = 10 ** (scale - self.scale)
            for found in self.sums.values():
                found[1] *= by
            self.scale = scale
        elif scale < self.scale:
            value *= 10 ** (self.scale - scale)
        before = self.sums.get(series)
        if before is None:
            self.sums[series] = [events, value]
        else:
            before[0] += events
            before[1] += value

    def drop(self, series: Collection[int]) -> None:
        """Leave these series out."""
        for number in [number for number in self.sums if number in series]:
            del self.sums[number]

    @property
    def series(self) -> list[int]:
        return list(self.sums)

    @property
    def events(self) -> list[int]:
        return [events for events, _ in self.sums.values()]

    def totals(self, meters: Mapping[int, str | None]) -> dict[str, tuple[int, Decimal]]:
        """Return meter → events and value over its series, of those that `meters` names."""
        found: dict[str, list[int]] = {}
        for series, (events, value) in self.sums.items():
            if (meter := meters.get(series)) is not None:
                total = found.setdefault(meter, [0, 0])
                total[0] += events
                total[1] += value
        return {
            meter: (events, Decimal(value).scaleb(-self.scale)) for meter, (events, value) in found.items()
        }

    def values(self) -> tuple[list[int] | None, list[Decimal] | None]:
        """Return (values in units of 10^-scale, None), or (None, the numbers themselves) where one of them
        would not fit."""
        values = [value for _, value in self.sums.values()]
        if all(-FITS < value < FITS for value in values):
            return values, None
        return None, [Decimal(value).scaleb(-self.scale) for value in values]


def unpacked(
    scale: int,
    series: Iterable[int],
    events: Iterable[int],
    values: Iterable[int] | None,
    wide: Sequence[Decimal] | None,
) -> Packed:
    """The row as it is stored."""
    found = values if values is not None else [int(value.scaleb(scale)) for value in wide or ()]
    return Packed(
        scale, {number: [count, value] for number, count, value in zip(series, events, found, strict=True)}
    )


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
