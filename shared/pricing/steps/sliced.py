"""Sliced: what each line comes to in each slice of the period, between the instants at which blocks begin and end."""

from collections.abc import Mapping, Sequence
from datetime import datetime

import msgspec

from shared.pricing.blocks import Due
from shared.pricing.results import PricedLine


class Slice(msgspec.Struct, frozen=True, gc=False):
    """What each line comes to more or less at `end` than at `start`."""

    start: datetime
    end: datetime
    dues: Sequence[Due]


def slice_up(
    start: datetime,
    end: datetime,
    earlier: Sequence[tuple[datetime, Sequence[PricedLine]]],
    whole: Sequence[PricedLine],
) -> list[Slice]:
    """Return the slices of the period in order. `earlier` are its lines as they stand at each instant that cuts it: a
    slice costs what they come to up to its end, less what they come to up to its start."""
    slices: list[Slice] = []
    before: Mapping[str, int] = {}
    for until, lines in earlier:
        slices.append(Slice(start, until, _dues(lines, before, start, until)))
        start, before = until, {line.line_id: line.amount_minor for line in lines}
    slices.append(Slice(start, end, _dues(whole, before, start, end)))
    return slices


def _dues(
    lines: Sequence[PricedLine], before: Mapping[str, int], start: datetime, end: datetime
) -> list[Due]:
    dues = []
    for line in lines:
        minor = line.amount_minor - before.get(line.line_id, 0)
        if minor:
            dues.append(Due(line.line_id, line.key, line.kind, minor, start, end))
    return dues
