"""Usage of a meter."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from decimal import Decimal
from functools import cached_property
from itertools import repeat
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

    @cached_property
    def as_counted(self) -> bool:
        return self.convert is None and self.rolls_over is None and not self.leaves_some

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
        segments: list[PricedSegment] = []
        for turn in turns:
            segments += _segments(turn)
            if turn.unpriced:
                segments += [_left(turn, group) for group in sorted(turn.unpriced)]
        return segments

    @classmethod
    def explain(
        cls,
        stretches: Sequence[Effective[Self]],
        turns: Sequence[Turn[Self]],
        segments: Sequence[PricedSegment],
    ) -> list[Step]:
        steps: list[Step] = []
        told = iter(segments)
        for turn in turns:
            counted = _counted(turn.stretch)
            for group in _groups(turn):
                segment = next(told)
                said = {**counted, "group": segment.group}
                steps.append(Step("quantity", turn.stretch.clause_ids, said, segment.quantity))
                if turn.after.priced is not turn.counted or turn.rolled_over:
                    _explain_units(turn, group, segment, steps)
                _explain_price(turn, group, steps)
            for _ in turn.unpriced:
                segment = next(told)
                said, left = {**counted, "group": segment.group}, {"counted": segment.quantity}
                steps.append(Step("quantity", turn.stretch.clause_ids, said, segment.quantity))
                steps.append(Step("unpriced", turn.stretch.clause_ids, left, output=-segment.unpriced))
        return steps


def _groups(turn: Turn[UsageLine]) -> Sequence[Group]:
    """Return the groups the turn touches; a line without usage still has one."""
    counted = turn.counted
    if turn.after.totals is counted:
        return (sorted(counted) if len(counted) > 1 else tuple(counted)) or _ALL_TOGETHER
    if not turn.stretch.clause.price.dimensions:
        return _ALL_TOGETHER
    touched = [
        group
        for group in turn.after.totals
        if group in counted
        or group in turn.handed_on
        or turn.after.priced[group] != turn.before.priced.get(group, _ZERO)
    ]
    return sorted(touched) or _ALL_TOGETHER


def _segments(turn: Turn[UsageLine]) -> list[PricedSegment]:
    """Return what each group that the turn touches comes to."""
    stretch, counted, before, after = turn.stretch, turn.counted, turn.before, turn.after
    price, converts, hash = stretch.clause.price, stretch.clause.convert is not None, stretch.hashes[0]
    segments: list[PricedSegment] = []
    for group in _groups(turn):
        quantity, now = counted.get(group, _ZERO), after.priced.get(group, _ZERO)
        earlier = before.priced.get(group, _ZERO) if before.priced else _ZERO
        converted = _converted(turn, group) if converts else None
        exact, priced = _cost(price, group, now, after.prorated), now - earlier
        if not turn.fresh:
            exact -= _cost(price, group, earlier, before.prorated)
        segments.append(
            PricedSegment(
                stretch.start,
                stretch.end,
                stretch.version,
                hash,
                dict(group) if group else {},
                quantity,
                (quantity if converted is None else converted) - priced,
                priced,
                exact,
                _ZERO,
                converted,
            )
        )
    return segments


def _converted(turn: Turn[UsageLine], group: Group) -> Decimal:
    """What the units counted in a turn add to those converted."""
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
    of_group = price.for_group(group)
    if prorated:
        of_group = of_group.at(priced + prorated)
    if priced < _ZERO:
        return 2 * _without_units(price, of_group) - of_group.cost(-priced)
    return of_group.cost(priced)


def _without_units(price: Price, of_group: ByTotal) -> Decimal:
    """What is due without any usage; of many groups it is nobody's."""
    return _ZERO if price.dimensions else of_group.cost(_ZERO)


def _price_of(price: Price, group: Group, priced: Decimal, prorated: Decimal) -> ByTotal:
    of_group = price.for_group(group)
    return of_group.at(priced + prorated) if prorated else of_group


def _counted(stretch: Effective[UsageLine]) -> dict[str, Input]:
    """What was counted from one instant to another; the group is that of each segment."""
    return {
        "meter": stretch.clause.meter,
        "version": stretch.version,
        "group": None,
        "start": edge(stretch.start),
        "end": edge(stretch.end),
    }


def _explain_units(turn: Turn[UsageLine], group: Group, segment: PricedSegment, steps: list[Step]) -> None:
    """How much of what was counted is covered."""
    stretch, converted = turn.stretch, segment.converted
    own, left = stretch.clause_ids, segment.priced
    counted = segment.quantity if converted is None else converted
    if turn.handed_on:
        handed_on = turn.handed_on.get(group, _ZERO)
        counted += handed_on if converted is None else _ZERO
        if handed_on:
            steps.append(Step("handed_on", own, {"meter": stretch.clause.meter}, output=handed_on))
    if converted is not None:
        steps.append(_converting(turn, group, converted))
    off = [one for one in turn.off if one.group == group] if turn.off else ()
    for one in off:
        left += one.taken
    if left != counted or turn.rolled_over < _ZERO:
        covered: dict[str, Input] = {"counted": counted, "priced": left}
        if turn.rolled_over:
            covered["rolled_over"] = turn.rolled_over
        steps.append(Step("allowance", own, covered, output=left - counted))
    for one in off:
        taken: dict[str, Input] = {"discount": one.clause.key, "has": one.has, "left": one.left}
        steps.append(Step("units_off", (one.clause_id, *own), taken, output=-one.taken))


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


def _explain_price(turn: Turn[UsageLine], group: Group, steps: list[Step]) -> None:
    """What all units so far cost, and what those before the change did."""
    clauses, price, prorated = turn.stretch.clause_ids, turn.stretch.clause.price, turn.after.prorated
    now = turn.after.priced.get(group, _ZERO)
    earlier = turn.before.priced.get(group, _ZERO) if turn.before.priced else _ZERO
    if not (now or earlier) and price.dimensions:
        return
    for op, part in _parts(price, _price_of(price, group, now, prorated), now):
        said = {**part.inputs(), "full": now + prorated} if prorated else part.inputs()
        amount = -part.amount if op == "credit" else part.amount
        steps.append(Step(op, clauses, said, amount, amount))
    if not turn.fresh and (earlier or _cost(price, group, earlier, turn.before.prorated)):
        before = _price_of(price, group, earlier, turn.before.prorated)
        for op, part in _parts(price, before, earlier):
            amount = part.amount if op == "credit" else -part.amount
            again: Op = "price" if op == "credit" else "before"
            steps.append(Step(again, clauses, part.inputs(), output=amount, amount=amount))


def _parts(
    price: Price, of_group: ByTotal, priced: Decimal
) -> Iterable[tuple[Literal["price", "credit"], Part]]:
    """What so many units cost, in parts: units below zero are worth what as many cost beyond what is due without any."""
    if priced >= _ZERO:
        return zip(repeat("price"), of_group.parts(priced))
    twice = 2 if _without_units(price, of_group) else 0
    return [
        *(("price", part) for part in twice * of_group.parts(_ZERO)),
        *(("credit", part) for part in of_group.parts(-priced)),
    ]
