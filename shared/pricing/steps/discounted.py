"""Discounted: what percentages and amounts take off each line, one discount after the other, each of what is left."""

from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal

import msgspec

from shared.pricing.discount import Discount
from shared.pricing.placed_discounts import PlacedDiscount
from shared.pricing.steps.gross import Gross
from shared.values.money import Currency, allocate, percent_of, to_decimal

_ZERO = Decimal(0)


class PercentOff(msgspec.Struct, frozen=True, gc=False):
    """What a percentage takes off a stretch of a line, of what was left of it."""

    clause: Discount
    clause_id: str
    left: Decimal
    taken: Decimal


class AmountOff(msgspec.Struct, frozen=True, gc=False):
    """What of an amount is taken off a line. `left` is what was left of each of its lines while the discount holds,
    by key, in the order in which they are written."""

    discount: PlacedDiscount
    left: Mapping[str, Decimal]
    taken: Decimal

    @property
    def clause_id(self) -> str:
        return self.discount.clause_id


class Discounted(Gross, frozen=True, gc=False):
    """A line with what discounts take off: `exact` is what they leave, never below zero."""

    taken: tuple[PercentOff | AmountOff, ...] = ()


def discount(gross: Sequence[Gross], discounts: Sequence[PlacedDiscount], to: Currency) -> Sequence[Gross]:
    if not discounts:
        return gross
    off = _Off(gross, to)
    for placed in discounts:
        if placed.clause.kind == "percent":
            off.percent(placed)
        elif placed.clause.kind == "amount":
            off.amount(placed)
    return [_discounted(line, off.taken[line.line.line_id]) for line in gross]


def _discounted(line: Gross, taken: Sequence[PercentOff | AmountOff]) -> Gross:
    if not taken:
        return line
    left = line.exact - sum([one.taken for one in taken], _ZERO)
    return Discounted(line.line, line.segments, line.quantity, left, tuple(taken))


class _Off:
    """What is left of each line, stretch by stretch, and what was taken."""

    def __init__(self, gross: Sequence[Gross], to: Currency) -> None:
        self._to = to
        self._lines = {line.line.line_id: line.line for line in gross}
        self._left = {line.line.line_id: _by_stretch(line) for line in gross}
        self.taken: dict[str, list[PercentOff | AmountOff]] = {name: [] for name in self._lines}

    def percent(self, placed: PlacedDiscount) -> None:
        for name in self._present(placed):
            left = self._left[name]
            for index, clause in self._held(placed, name):
                taken = percent_of(left[index], clause.measure)
                if taken:
                    self.taken[name].append(PercentOff(clause, placed.clause_id, left[index], taken))
                    left[index] -= taken

    def amount(self, placed: PlacedDiscount) -> None:
        held = {name: [index for index, _ in self._held(placed, name)] for name in self._present(placed)}
        lefts = [sum([self._left[name][index] for index in indexes], _ZERO) for name, indexes in held.items()]
        named = {self._lines[name].key: left for name, left in zip(held, lefts, strict=True)}
        for name, part in zip(held, parts_of(placed, lefts, self._to), strict=True):
            if part:
                self.taken[name].append(AmountOff(placed, named, part))
                self._take(name, held[name], part)

    def _present(self, placed: PlacedDiscount) -> list[str]:
        """Its lines that are there: at an instant within a period those that count as it ends are not."""
        return [name for name in placed.lines if name in self._lines]

    def _held(self, placed: PlacedDiscount, name: str) -> Iterator[tuple[int, Discount]]:
        for index, stretch in enumerate(self._lines[name].stretches):
            clause = placed.on(stretch)
            if clause is not None:
                yield index, clause

    def _take(self, name: str, held: Sequence[int], part: Decimal) -> None:
        """Off the stretches in which the discount holds, the first first."""
        left = self._left[name]
        for index in held:
            taken = min(left[index], part)
            left[index], part = left[index] - taken, part - taken


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
    starts = [stretch.start for stretch in line.line.stretches]
    costs = [_ZERO] * len(starts)
    for segment in line.segments:
        costs[max(bisect_right(starts, segment.start) - 1, 0)] += segment.exact
    owed = line.exact - sum(costs, _ZERO)
    for index in range(len(costs) - 1, -1, -1):
        cost = costs[index] + owed
        costs[index], owed = max(cost, _ZERO), min(cost, _ZERO)
    return costs
