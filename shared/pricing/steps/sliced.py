"""Sliced: what each line comes to in each slice of the period, between the instants at which blocks begin and end. A line
that comes to less than nothing is paid by nobody, and what it rises by until it comes to nothing isn't either."""

from collections.abc import Mapping, Sequence
from datetime import datetime

import msgspec

from shared.pricing.blocks import Due
from shared.pricing.results import PricedLine


class Slice(msgspec.Struct, frozen=True, gc=False):
    """What each line comes to more or less at `end` than at `start`, as far as it is more than nothing; and what it is more or
    less `below` that."""

    start: datetime
    end: datetime
    dues: Sequence[Due]
    below: Sequence[Due] = ()


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
        slices.append(_slice(start, until, lines, before))
        start, before = until, {line.line_id: line.amount_minor for line in lines}
    slices.append(_slice(start, end, whole, before))
    return slices


def _slice(start: datetime, end: datetime, lines: Sequence[PricedLine], before: Mapping[str, int]) -> Slice:
    if not before:  # nothing is compared
        due = [Due(line.line_id, line.key, line.kind, line.amount_minor, start, end) for line in lines]
        return Slice(
            start,
            end,
            [one for one in due if one.amount_minor > 0],
            [one for one in due if one.amount_minor < 0],
        )
    dues, below = list[Due](), list[Due]()
    for line in lines:
        was, now = before.get(line.line_id, 0), line.amount_minor
        minor = (now if now > 0 else 0) - (was if was > 0 else 0)
        if minor:
            dues.append(Due(line.line_id, line.key, line.kind, minor, start, end))
        if rest := now - was - minor:
            below.append(Due(line.line_id, line.key, line.kind, rest, start, end))
    return Slice(start, end, dues, below)
