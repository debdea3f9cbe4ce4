"""A recurring fee."""

from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Literal, NamedTuple, Self

from shared.pricing.effective import Effective
from shared.pricing.escalator import Raise
from shared.pricing.explanation.step import Input, Step, edge
from shared.pricing.fields import Amount
from shared.pricing.lines.bounds import BoundedLine
from shared.pricing.months import Months
from shared.pricing.reach import Turn
from shared.pricing.results import PricedSegment
from shared.values.decimals import QUANTITY_FRACTION_DIGITS_MAX
from shared.values.fields import Key, Label
from shared.values.money import Rounding, round_to, share

_ZERO, _WHOLE = Decimal(0), Decimal(1)


class RecurringLine(BoundedLine):
    """A fee for each period, due after it. A part period, or a fee in force for some of its days, is charged
    by the day.

    `every`: its periods are so long, and begin with the term; each is due with the period of the contract in which it
    ends, and its days, bounds and changes are counted over its own.
    """

    key: Key
    kind: Literal["recurring"]
    amount: Amount
    timing: Literal["arrears"] = "arrears"
    proration: Literal["day", "none"] = "day"
    every: Months | None = None
    description: Label | None = None

    @property
    def shown_as(self) -> str:
        return self.description or self.key

    def escalated(self, price_now: Raise) -> Self:
        return self.having(amount=price_now(self.amount))

    @property
    def own_months(self) -> int | None:
        return None if self.every is None else self.every.months

    def days_charged(self, days: int, whole_days: int) -> int:
        return days if self.proration == "day" else whole_days

    @classmethod
    def charged(cls, stretches: Sequence[Effective[Self]]) -> Sequence[Effective[Self]]:
        """With `proration: none` the fee first in force in the period is due whole."""
        return stretches if stretches[-1].clause.proration == "day" else stretches[:1]

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
        for charged, segment in zip(_charged(stretches), segments, strict=True):
            said: dict[str, Input] = {
                "quantity": segment.quantity,
                "fee": charged.stretch.clause.amount,
                "days": charged.days,
                "whole_days": charged.whole_days,
                "before": charged.fee_days_before,
                "version": charged.stretch.version,
                "start": edge(charged.stretch.start),
                "end": edge(charged.stretch.end),
            }
            yield Step("fee", charged.stretch.clause_ids, said, output=segment.exact, amount=segment.exact)


class _Charged(NamedTuple):
    """A stretch that is charged for `days` of `whole_days`, and what was charged by the day before it: the days, and
    the sum of fee × days."""

    stretch: Effective[RecurringLine]
    days: int
    whole_days: int
    days_before: int = 0
    fee_days_before: Decimal = _ZERO


def _charged(stretches: Sequence[Effective[RecurringLine]]) -> Iterator[_Charged]:
    days, fee_days = 0, _ZERO
    for stretch in RecurringLine.charged(stretches):
        if stretch.clause.proration == "none":
            yield _Charged(stretch, 1, 1)
        else:
            yield _Charged(stretch, stretch.days, stretch.whole_days, days, fee_days)
            days, fee_days = days + stretch.days, fee_days + stretch.clause.amount * stretch.days


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
    before, whole_days = charged.fee_days_before, charged.whole_days
    so_far = before + charged.stretch.clause.amount * charged.days
    return share(so_far, 1, whole_days) - share(before, 1, whole_days)


def _part(charged: _Charged) -> Decimal:
    """Return the share of the period, to 12 decimals as any quantity."""
    so_far = _decimals(charged.days_before + charged.days, charged.whole_days)
    return so_far - _decimals(charged.days_before, charged.whole_days) if charged.days_before else so_far


def _decimals(days: int, whole_days: int) -> Decimal:
    if days == whole_days:
        return _WHOLE
    return round_to(share(_WHOLE, days, whole_days), QUANTITY_FRACTION_DIGITS_MAX, Rounding.HALF_UP)
