"""A recurring fee."""

from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Literal, NamedTuple, Self

from shared.pricing.effective import Effective
from shared.pricing.explanation.step import Input, Step, edge
from shared.pricing.lines.amount import AmountLine
from shared.pricing.lines.bounds import BoundedLine
from shared.pricing.lines.proration import Proration, count
from shared.pricing.months import Months
from shared.pricing.reach import Turn
from shared.pricing.results import PricedSegment
from shared.values.decimals import QUANTITY_FRACTION_DIGITS_MAX
from shared.values.fields import Key
from shared.values.money import Rounding, round_to, share

_ZERO, _WHOLE = Decimal(0), Decimal(1)


class RecurringLine(AmountLine, BoundedLine):
    """A fee for each period, due after it. In a part period, or where it is in force for some of its time, it is
    charged for that time (`proration`).

    The fee first in force in a period says how all of it is counted: one that is due whole is charged, and nothing that
    an amendment brings beside it; else what follows is charged for its own time, also where it would be due whole.
    `every`: its periods are so long, and begin with the term; each is due with the period of the contract in which it
    ends, and its days, bounds and changes are counted over its own.
    """

    key: Key
    kind: Literal["recurring"]
    timing: Literal["arrears"] = "arrears"
    proration: Proration = "day"
    every: Months | None = None

    @property
    def own_months(self) -> int | None:
        return None if self.every is None else self.every.months

    @classmethod
    def days_charged(cls, stretches: Sequence[Effective[Self]]) -> list[tuple[Self, int]]:
        first = stretches[0]
        if first.clause.proration == "none":
            return [(first.clause, first.whole_days)]
        return super().days_charged(stretches)

    @classmethod
    def gross(cls, stretches: Sequence[Effective[Self]], turns: Sequence[Turn[Self]]) -> list[PricedSegment]:
        """A stretch costs all so far less what came before, each divided once, so that the pieces sum to what is
        charged for all days: shares of ten and of twenty-one days by themselves are a last digit short of the whole,
        which rounding down shows."""
        return [_segment(charged) for charged in _charged(stretches)]

    @classmethod
    def explain(
        cls,
        stretches: Sequence[Effective[Self]],
        turns: Sequence[Turn[Self]],
        segments: Sequence[PricedSegment],
    ) -> Iterator[Step]:
        how = stretches[0].clause.proration
        for charged, segment in zip(_charged(stretches), segments, strict=True):
            said: dict[str, Input] = {
                "quantity": segment.quantity,
                "fee": charged.stretch.clause.amount,
                "days": charged.units,
                "whole_days": charged.whole,
                "before": charged.fee_units_before,
                "version": charged.stretch.version,
                "start": edge(charged.stretch.start),
                "end": edge(charged.stretch.end),
            }
            if how not in ("day", "none"):
                said["counted"] = how
            yield Step("fee", charged.stretch.clause_ids, said, output=segment.exact, amount=segment.exact)


class _Charged(NamedTuple):
    """A stretch that is charged for `units` of the `whole` period, days or what else is counted, and what was charged by
    then: the units, and the sum of fee × units."""

    stretch: Effective[RecurringLine]
    units: int
    whole: int
    units_before: int = 0
    fee_units_before: Decimal = _ZERO


def _charged(stretches: Sequence[Effective[RecurringLine]]) -> Iterator[_Charged]:
    first = stretches[0].clause
    if first.proration == "none":
        yield _Charged(stretches[0], 1, 1)
        return
    counted = count(first.proration, stretches, first.own_months or 1)
    before, fee_units = 0, _ZERO
    for stretch, so_far in zip(stretches, counted.so_far, strict=True):
        yield _Charged(stretch, so_far - before, counted.whole, before, fee_units)
        before, fee_units = so_far, fee_units + stretch.clause.amount * (so_far - before)


def _segment(charged: _Charged) -> PricedSegment:
    stretch, part = charged.stretch, _part(charged)
    return PricedSegment(
        start=stretch.start,
        end=stretch.end,
        version=stretch.version,
        clause_hash=stretch.hashes[0],
        group={},
        quantity=part,
        allowance=_ZERO,
        priced=part,
        exact=_exact(charged),
    )


def _exact(charged: _Charged) -> Decimal:
    before, whole = charged.fee_units_before, charged.whole
    so_far = share(before + charged.stretch.clause.amount * charged.units, 1, whole)
    return so_far - share(before, 1, whole) if before else so_far


def _part(charged: _Charged) -> Decimal:
    """Return the share of the period, to 12 decimals as any quantity."""
    so_far = _decimals(charged.units_before + charged.units, charged.whole)
    return so_far - _decimals(charged.units_before, charged.whole) if charged.units_before else so_far


def _decimals(units: int, whole: int) -> Decimal:
    if units == whole:
        return _WHOLE
    return round_to(share(_WHOLE, units, whole), QUANTITY_FRACTION_DIGITS_MAX, Rounding.HALF_UP)
