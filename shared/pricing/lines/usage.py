"""Usage of a meter."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from decimal import Decimal
from functools import cached_property
from typing import Final, Literal, Self

import msgspec

from shared.pricing.effective import Effective
from shared.pricing.escalator import Raise
from shared.pricing.explanation.step import Input, Op, Step, edge
from shared.pricing.lines.allowance import Allowance, Included, UnitRollOver
from shared.pricing.lines.bounds import BoundedLine
from shared.pricing.lines.conversion import Conversion
from shared.pricing.lines.line import WhenNegative
from shared.pricing.models import Price
from shared.pricing.models.model import ByTotal, Part
from shared.pricing.needs import FullTotals, Totals, TotalsRead
from shared.pricing.reach import Turn
from shared.pricing.results import PricedSegment
from shared.values.decimals import QUANTITY_FRACTION_DIGITS_MAX
from shared.values.fields import Key
from shared.values.groups import Group
from shared.values.money import Rounding, round_to, share

_ZERO = Decimal(0)
_ALL_TOGETHER: Final[tuple[Group]] = ((),)


class UsageLine(BoundedLine):
    """A meter's quantity above the included allowance, at a price. `convert`: into other units, before anything else.

    `on_change`: at an amendment within a period tiers and allowance run through, or restart. `negative`: units below zero
    are carried into the next period, are lost, or are credited at what as many would cost.
    """

    key: Key
    kind: Literal["usage"]
    meter: Key
    convert: Conversion | None = None
    included: Included | None = None
    price: Price
    on_change: Literal["run_through", "restart"] = "run_through"
    negative: WhenNegative = "carry"

    @property
    def metered_by(self) -> str:
        return self.meter

    def escalated(self, price_now: Raise) -> Self:
        return self.having(price=self.price.escalated(price_now))

    def needs(self, start: datetime, end: datetime) -> tuple[Totals, ...]:
        return (self.price.reads(self.key, self.meter, start, end, self.price.dimensions),)

    def full_needs(self, start: datetime, end: datetime) -> tuple[Totals, ...]:
        return (FullTotals(self.key, self.meter, start, end, ()),) if self.price.reads_full else ()

    def converted(self, counted: TotalsRead) -> TotalsRead:
        if self.convert is None:
            return counted
        return {group: self.convert.of(units) for group, units in counted.items()}

    @classmethod
    def up_to(cls, stretches: Sequence[Effective[Self]], instant: datetime) -> tuple[Effective[Self], ...]:
        """What was used by then counts then."""
        return tuple(
            [
                one if one.end <= instant else msgspec.structs.replace(one, end=instant)
                for one in stretches
                if one.start < instant
            ]
        )

    @cached_property
    def included_units(self) -> Decimal | None:
        """The units that a full period includes; None: nothing is said of them."""
        return self.included.units if isinstance(self.included, Allowance) else self.included

    @cached_property
    def rolls_over(self) -> UnitRollOver | None:
        return self.included.roll_over if isinstance(self.included, Allowance) else None

    def allowance(self, billed_days: int, whole_days: int) -> Decimal:
        """Return the included units; a part period includes its days' share, to 12 decimals as any
        quantity."""
        included = self.included_units or _ZERO
        if billed_days == whole_days:
            return included
        part = share(included, billed_days, whole_days)
        return round_to(part, QUANTITY_FRACTION_DIGITS_MAX, Rounding.HALF_UP)

    @property
    def when_negative(self) -> WhenNegative:
        return self.negative

    def rank(self, group: Group) -> int:
        return self.price.rank(group)

    @cached_property
    def leaves_some(self) -> bool:
        return self.price.leaves_some

    def left_of(self, counted: TotalsRead) -> TotalsRead:
        return {group: units for group, units in counted.items() if self.price.leaves(group)}

    def begins_anew(self, previous: Self) -> bool:
        changed_dimensions = previous.price.dimensions != self.price.dimensions
        return (
            changed_dimensions or self.on_change == "restart" or self.price.begins_anew_after(previous.price)
        )

    @classmethod
    def gross(cls, stretches: Sequence[Effective[Self]], turns: Sequence[Turn[Self]]) -> list[PricedSegment]:
        """A stretch costs new(all so far) − new(what came before), so tiers and allowance run through an amendment,
        or new(its own units) where it begins anew."""
        segments = []
        for turn in turns:
            for group in _groups(turn):
                segments.append(_segment(turn, group))
            if turn.unpriced:
                segments += [_left(turn, group) for group in sorted(turn.unpriced)]
        return segments

    @classmethod
    def explain(
        cls,
        stretches: Sequence[Effective[Self]],
        turns: Sequence[Turn[Self]],
        segments: Sequence[PricedSegment],
    ) -> Iterator[Step]:
        told = iter(segments)
        for turn in turns:
            for group in _groups(turn):
                yield from _units(turn, next(told))
                yield from _price(turn, group)
            for _ in turn.unpriced:
                yield from _units(turn, segment := next(told))
                left: dict[str, Input] = {"counted": segment.quantity}
                yield Step("unpriced", turn.stretch.clause_ids, left, output=-segment.unpriced)


def _groups(turn: Turn[UsageLine]) -> Sequence[Group]:
    """Return the groups the turn touches; a line without usage still has one."""
    if not turn.stretch.clause.price.dimensions:
        return _ALL_TOGETHER
    if turn.after.totals is turn.counted:
        return sorted(turn.counted) or _ALL_TOGETHER
    touched = [
        group
        for group in turn.after.totals
        if group in turn.counted
        or group in turn.handed_on
        or turn.after.priced[group] != turn.before.priced.get(group, _ZERO)
    ]
    return sorted(touched) or _ALL_TOGETHER


def _segment(turn: Turn[UsageLine], group: Group) -> PricedSegment:
    stretch, quantity = turn.stretch, turn.counted.get(group, _ZERO)
    earlier, now = turn.before.priced.get(group, _ZERO), turn.after.priced.get(group, _ZERO)
    converted, priced = _converted(turn, group), now - earlier
    exact = _cost(stretch.clause.price, group, now, turn.after.prorated)
    if not turn.fresh:
        exact -= _cost(stretch.clause.price, group, earlier, turn.before.prorated)
    return PricedSegment(
        start=stretch.start,
        end=stretch.end,
        version=stretch.version,
        clause_hash=stretch.hashes[0],
        group=dict(group),
        quantity=quantity,
        allowance=(quantity if converted is None else converted) - priced,
        priced=priced,
        exact=exact,
        converted=converted,
    )


def _converted(turn: Turn[UsageLine], group: Group) -> Decimal | None:
    """What the units counted in a turn add to those converted; None: nothing is converted."""
    if turn.stretch.clause.convert is None:
        return None
    return turn.after.totals.get(group, _ZERO) - turn.before.totals.get(group, _ZERO)


def _left(turn: Turn[UsageLine], group: Group) -> PricedSegment:
    stretch, quantity = turn.stretch, turn.unpriced[group]
    return PricedSegment(
        start=stretch.start,
        end=stretch.end,
        version=stretch.version,
        clause_hash=stretch.hashes[0],
        group=dict(group),
        quantity=quantity,
        allowance=_ZERO,
        priced=_ZERO,
        exact=_ZERO,
        unpriced=quantity,
    )


def _cost(price: Price, group: Group, priced: Decimal, prorated: Decimal) -> Decimal:
    if not priced and price.dimensions:
        return _ZERO
    of_group = _price_of(price, group, priced, prorated)
    if priced < _ZERO:
        return 2 * _without_units(price, of_group) - of_group.cost(-priced)
    return of_group.cost(priced)


def _without_units(price: Price, of_group: ByTotal) -> Decimal:
    """What is due without any usage; of many groups it is nobody's."""
    return _ZERO if price.dimensions else of_group.cost(_ZERO)


def _price_of(price: Price, group: Group, priced: Decimal, prorated: Decimal) -> ByTotal:
    of_group = price.for_group(group)
    return of_group.at(priced + prorated) if prorated else of_group


def _units(turn: Turn[UsageLine], segment: PricedSegment) -> list[Step]:
    """What was counted from one instant to another, and how much of it is covered."""
    stretch = turn.stretch
    said: dict[str, Input] = {
        "meter": stretch.clause.meter,
        "version": stretch.version,
        "group": segment.group,
        "start": edge(stretch.start),
        "end": edge(stretch.end),
    }
    own, left = stretch.clause_ids, segment.priced
    steps, counted = [Step("quantity", own, said, output=segment.quantity)], segment.units
    if turn.handed_on and not segment.unpriced:
        handed_on = turn.handed_on.get(tuple(sorted(segment.group.items())), _ZERO)
        counted += handed_on if segment.converted is None else _ZERO
        if handed_on:
            steps.append(Step("handed_on", own, {"meter": stretch.clause.meter}, output=handed_on))
    if segment.converted is not None:
        steps.append(_converting(turn, tuple(sorted(segment.group.items())), segment.converted))
    off = [one for one in turn.off if one.group == tuple(sorted(segment.group.items()))] if turn.off else ()
    for one in off:
        left += one.taken
    if (left != counted or turn.rolled_over < _ZERO) and not segment.unpriced:
        covered: dict[str, Input] = {"counted": counted, "priced": left}
        if turn.rolled_over:
            covered["rolled_over"] = turn.rolled_over
        steps.append(Step("allowance", own, covered, output=left - counted))
    for one in off:
        taken: dict[str, Input] = {"discount": one.clause.key, "has": one.has, "left": one.left}
        steps.append(Step("units_off", (one.clause_id, *own), taken, output=-one.taken))
    return steps


def _converting(turn: Turn[UsageLine], group: Group, converted: Decimal) -> Step:
    """What all units so far are converted into, less what those before were."""
    convert = turn.stretch.clause.convert
    assert convert is not None, "what converts them"
    said: dict[str, Input] = {
        "counted": turn.after.counted.get(group, _ZERO),
        "before": turn.before.counted.get(group, _ZERO),
        **convert.inputs(),
    }
    return Step("convert", turn.stretch.clause_ids, said, output=converted)


def _price(turn: Turn[UsageLine], group: Group) -> list[Step]:
    """What all units so far cost, and what those before the change did."""
    clauses, (earlier, now), prorated = turn.stretch.clause_ids, turn.priced(group), turn.after.prorated
    if not (now or earlier) and turn.stretch.clause.price.dimensions:
        return []
    price, steps = turn.stretch.clause.price, list[Step]()
    for op, part in _parts(price, _price_of(price, group, now, prorated), now):
        said = {**part.inputs(), "full": now + prorated} if prorated else part.inputs()
        amount = -part.amount if op == "credit" else part.amount
        steps.append(Step(op, clauses, said, output=amount, amount=amount))
    if not turn.fresh and (earlier or _cost(price, group, earlier, turn.before.prorated)):
        before = _price_of(price, group, earlier, turn.before.prorated)
        for op, part in _parts(price, before, earlier):
            amount = part.amount if op == "credit" else -part.amount
            again: Op = "price" if op == "credit" else "before"
            steps.append(Step(again, clauses, part.inputs(), output=amount, amount=amount))
    return steps


def _parts(price: Price, of_group: ByTotal, priced: Decimal) -> list[tuple[Literal["price", "credit"], Part]]:
    """What so many units cost, in parts: units below zero are worth what as many cost beyond what is due without any."""
    if priced >= _ZERO:
        return [("price", part) for part in of_group.parts(priced)]
    twice = 2 if _without_units(price, of_group) else 0
    return [
        *(("price", part) for part in twice * of_group.parts(_ZERO)),
        *(("credit", part) for part in of_group.parts(-priced)),
    ]
