"""A packed row: what the series of one subject came to in one hour or day. Exact: sums are whole numbers in
units of 10^-scale, without bound; what does not fit the store's 64 bits is written as decimals."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from services.rating.metering.domain.delta import FITS


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

    @property
    def series(self) -> list[int]:
        return list(self.sums)

    @property
    def events(self) -> list[int]:
        return [events for events, _ in self.sums.values()]

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
