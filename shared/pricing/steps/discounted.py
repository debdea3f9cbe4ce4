"""Discounted: what percentages and amounts take off each line, one discount after the other, each of what is left."""

from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal

import msgspec

from shared.pricing.discount import Discount
from shared.pricing.lines import LineClause
from shared.pricing.placed import Placed
from shared.pricing.placed_discounts import PlacedDiscount
from shared.pricing.steps.gross import Gross
from shared.values.money import Currency, allocate, part_of, to_decimal

_ZERO = Decimal(0)


class PercentOff(msgspec.Struct, frozen=True, gc=False):
    """What a percentage takes off a stretch of a line, of what was left of it."""

    clause: Discount
    clause_id: str
    left: Decimal
    taken: Decimal


class AmountOff(msgspec.Struct, frozen=True, gc=False):
    """What of an amount is taken off a line. `left` is what was left of each of its lines while the discount holds,
    by key (by id, where two have one key), in the order in which they are written; `line` is which of them this is."""

    discount: PlacedDiscount
    line: str
    left: Mapping[str, Decimal]
    taken: Decimal

    @property
    def clause_id(self) -> str:
        return self.discount.clause_id


class Discounted(Gross, frozen=True, gc=False):
    """A line with what discounts take off: `exact` is what they leave, never below zero."""

    taken: tuple[PercentOff | AmountOff, ...] = ()


class _Line(msgspec.Struct, gc=False):
    """What is left of a line, stretch by stretch, and what was taken off it."""

    gross: Gross
    left: list[Decimal]
    taken: list[PercentOff | AmountOff]

    def discounted(self) -> Gross:
        gross, exact = self.gross, self.gross.exact
        if not self.taken:
            return gross
        for one in self.taken:
            exact -= one.taken
        return Discounted(gross.line, gross.segments, gross.quantity, exact, tuple(self.taken))


def discount(gross: Sequence[Gross], discounts: Sequence[PlacedDiscount], to: Currency) -> Sequence[Gross]:
    if not discounts:
        return gross
    lines = [_Line(one, _by_stretch(one), []) for one in gross]
    for placed in discounts:
        kind = placed.clause.kind
        if kind == "percent":
            for line in lines:
                _take_percent(placed, line)
        elif kind == "amount":
            _take_amount(placed, lines, to)
    return [line.discounted() for line in lines]


def _take_percent(placed: PlacedDiscount, line: _Line) -> None:
    """At an instant within a period the stretches that come later are not there."""
    left = line.left
    for index, clause in placed.held.get(line.gross.line.line_id, ()):
        if index < len(left) and (taken := part_of(left[index], clause.rate)):
            line.taken.append(PercentOff(clause, placed.clause_id, left[index], taken))
            left[index] -= taken


def _take_amount(placed: PlacedDiscount, lines: Sequence[_Line], to: Currency) -> None:
    there = [(line, [index for index, _ in held]) for line, held in _held(placed, lines)]
    lefts = [sum([line.left[index] for index in held], _ZERO) for line, held in there]
    names = _names([line.gross.line for line, _ in there])
    named = dict(zip(names, lefts, strict=True))
    for name, (line, held), part in zip(names, there, parts_of(placed, lefts, to), strict=True):
        if not part:
            continue
        line.taken.append(AmountOff(placed, name, named, part))
        for index in held:  # off the stretches in which it holds, the first first
            taken = min(line.left[index], part)
            line.left[index], part = line.left[index] - taken, part - taken


def _names(lines: Sequence[Placed[LineClause]]) -> list[str]:
    keys = [line.key for line in lines]
    return keys if len(set(keys)) == len(keys) else [line.line_id for line in lines]


def _held(
    placed: PlacedDiscount, lines: Sequence[_Line]
) -> Iterator[tuple[_Line, Sequence[tuple[int, Discount]]]]:
    """Yield its lines with the stretches on which it holds, and how it reads there: those that are there, as at an instant
    within a period what comes later, or counts as it ends, is not."""
    by_id = {line.gross.line.line_id: line for line in lines}
    for name, held in placed.held.items():
        line = by_id.get(name)
        if line is not None:
            there = len(line.left)
            yield line, held if held[-1][0] < there else [one for one in held if one[0] < there]


def parts_of(placed: PlacedDiscount, lefts: Sequence[Decimal], to: Currency) -> list[Decimal]:
    """Split an amount over what is left of its lines: in whole minor units, and never more than is left of a line;
    what a line has no room for goes to the next that has."""
    total = sum(lefts, _ZERO)
    if placed.measure >= total:
        return list(lefts)
    if placed.clause.split == "in_order":
        wanted = [_ZERO] * len(lefts)
    else:
        minor = int(placed.measure.scaleb(to.exponent))
        wanted = [to_decimal(part, to) for part in allocate(minor, lefts, placed.clause.split)]
    parts = [min(part, left) for part, left in zip(wanted, lefts, strict=True)]
    rest = placed.measure - sum(parts, _ZERO)
    for index, left in enumerate(lefts):
        more = min(rest, left - parts[index])
        parts[index], rest = parts[index] + more, rest - more
    return parts


def _by_stretch(line: Gross) -> list[Decimal]:
    """Return what a line costs in each of its stretches. Where a later one takes back what those before it cost, as a
    volume price does at a bound, or a maximum is in the way, that is taken from the last first; nothing is left of a
    line below zero."""
    if len(line.line.stretches) == 1:
        return [max(line.exact, _ZERO)]
    starts = [stretch.start for stretch in line.line.stretches]
    costs = [_ZERO] * len(starts)
    for segment in line.segments:
        costs[max(bisect_right(starts, segment.start) - 1, 0)] += segment.exact
    owed = line.exact - sum(costs, _ZERO)
    for index in range(len(costs) - 1, -1, -1):
        cost = costs[index] + owed
        costs[index], owed = max(cost, _ZERO), min(cost, _ZERO)
    return costs
