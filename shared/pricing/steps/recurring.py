"""Recurring fees: by the day where a period or a fee covers only some of its days."""

from decimal import Decimal

from shared.pricing.effective import Effective
from shared.pricing.explanation import Explanation
from shared.pricing.layout import Placed
from shared.pricing.lines import RecurringLine
from shared.pricing.results import PricedSegment
from shared.pricing.steps.draft import Draft
from shared.values.decimals import plain
from shared.values.money import Rounding, round_to, share

_ZERO = Decimal(0)
_SHARE_DECIMALS = 12


def price_recurring(fee: Placed[RecurringLine], explanation: Explanation) -> Draft:
    """Return the fee of the period. With `proration: none` the fee first in force in the period is due
    whole."""
    last = fee.last
    charged = fee.stretches if last.clause.proration == "day" else fee.stretches[:1]
    segments = tuple([_segment(stretch) for stretch in charged])
    if explanation.wanted:
        for stretch, segment in zip(charged, segments, strict=True):
            explanation.add(
                "price", fee.clause_id, _text(stretch), quantity=segment.quantity, amount=segment.exact
            )
    return Draft(
        key=fee.key,
        kind="recurring",
        clause_id=fee.clause_id,
        clause_hash=last.hash,
        version=last.version,
        description=last.clause.description or fee.key,
        segments=segments,
        quantity=sum([segment.quantity for segment in segments], _ZERO),
        exact=sum([segment.exact for segment in segments], _ZERO),
    )


def _segment(stretch: Effective[RecurringLine]) -> PricedSegment:
    days, whole = _days(stretch)
    part = (
        Decimal(1)
        if days == whole
        else round_to(share(Decimal(1), days, whole), _SHARE_DECIMALS, Rounding.HALF_UP)
    )
    return PricedSegment(
        start=stretch.start,
        end=stretch.end,
        version=stretch.version,
        clause_hash=stretch.hash,
        group={},
        quantity=part,
        allowance=_ZERO,
        priced=part,
        exact=share(stretch.clause.amount, days, whole),
    )


def _days(stretch: Effective[RecurringLine]) -> tuple[int, int]:
    return (1, 1) if stretch.clause.proration == "none" else (stretch.days, stretch.whole_days)


def _text(stretch: Effective[RecurringLine]) -> str:
    days, whole = _days(stretch)
    return f"{plain(stretch.clause.amount)}" + ("" if days == whole else f" × {days} of {whole} days")
