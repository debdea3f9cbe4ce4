"""A recurring fee."""

from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Literal, Self

from shared.pricing.effective import Effective
from shared.pricing.explanation.step import Input, Step
from shared.pricing.fields import Amount
from shared.pricing.lines.line import LineClause
from shared.pricing.reach import Turn
from shared.pricing.results import PricedSegment
from shared.values.fields import Key, Label
from shared.values.money import Rounding, round_to, share

_ZERO, _WHOLE = Decimal(0), Decimal(1)
_SHARE_DECIMALS = 12


class RecurringLine(LineClause):
    """A fee for each period, due after it. A part period, or a fee in force for some of its days, is charged
    by the day."""

    key: Key
    kind: Literal["recurring"]
    amount: Amount
    timing: Literal["arrears"] = "arrears"
    proration: Literal["day", "none"] = "day"
    description: Label | None = None

    @property
    def shown_as(self) -> str:
        return self.description or self.key

    @classmethod
    def gross(cls, stretches: Sequence[Effective[Self]], turns: Sequence[Turn[Self]]) -> list[PricedSegment]:
        return [_segment(stretch) for stretch in _charged(stretches)]

    @classmethod
    def explain(
        cls,
        stretches: Sequence[Effective[Self]],
        turns: Sequence[Turn[Self]],
        segments: Sequence[PricedSegment],
    ) -> Iterator[Step]:
        for stretch, segment in zip(_charged(stretches), segments, strict=True):
            days, whole_days = _days(stretch)
            said: dict[str, Input] = {"fee": stretch.clause.amount, "days": days, "whole_days": whole_days}
            yield Step(
                "fee",
                stretch.clause_ids,
                {"quantity": segment.quantity, **said},
                output=segment.exact,
                amount=segment.exact,
            )


def _charged(stretches: Sequence[Effective[RecurringLine]]) -> Sequence[Effective[RecurringLine]]:
    """With `proration: none` the fee first in force in the period is due whole."""
    return stretches if stretches[-1].clause.proration == "day" else stretches[:1]


def _segment(stretch: Effective[RecurringLine]) -> PricedSegment:
    days, whole_days = _days(stretch)
    part = (
        _WHOLE
        if days == whole_days
        else round_to(share(_WHOLE, days, whole_days), _SHARE_DECIMALS, Rounding.HALF_UP)
    )
    return PricedSegment(
        start=stretch.start,
        end=stretch.end,
        version=stretch.version,
        clause_hash=stretch.hashes[0],
        group={},
        quantity=part,
        allowance=_ZERO,
        priced=part,
        exact=share(stretch.clause.amount, days, whole_days),
    )


def _days(stretch: Effective[RecurringLine]) -> tuple[int, int]:
    return (1, 1) if stretch.clause.proration == "none" else (stretch.days, stretch.whole_days)
