"""Sliced: what each line comes to in each slice of the period, between the instants at which blocks begin and end."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

import msgspec

from shared.pricing.blocks import Due
from shared.pricing.results import PricedLine


class Slice(msgspec.Struct, frozen=True, gc=False):
    """The lines as they stand at `end`, what each comes to more or less than at `start`, and whether the period ends
    with it."""

    start: datetime
    end: datetime
    lines: Sequence[PricedLine]
    dues: tuple[Due, ...]
    last: bool


def slice_up(
    start: datetime,
    end: datetime,
    earlier: Sequence[tuple[datetime, Sequence[PricedLine]]],
    whole: Sequence[PricedLine],
) -> Iterator[Slice]:
    """Yield the slices of the period in order. `earlier` are its lines as they stand at each instant that cuts it: a
    slice costs what they come to up to its end, less what they come to up to its start."""
    before: Mapping[str, int] = {}
    for until, lines in [*earlier, (end, whole)]:
        yield Slice(start, until, lines, tuple(_dues(lines, before, start, until)), lines is whole)
        start, before = until, {line.line_id: line.amount_minor for line in lines}


def _dues(
    lines: Sequence[PricedLine], before: Mapping[str, int], start: datetime, end: datetime
) -> Iterator[Due]:
    for line in lines:
        minor = line.amount_minor - before.get(line.line_id, 0)
        if minor:
            yield Due(line.line_id, line.key, line.kind, minor, start, end)
