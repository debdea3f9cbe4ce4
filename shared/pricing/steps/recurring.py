"""Recurring fees: by the day where a period or a fee covers only some of its days."""

from decimal import Decimal

from shared.pricing.explanation import Explanation
from shared.pricing.layout import Placed
from shared.pricing.lines import RecurringLine
from shared.pricing.results import PricedSegment
from shared.pricing.spans import LineSpan
from shared.pricing.steps.draft import Draft
from shared.values.decimals import plain
from shared.values.money import Rounding, round_to, share
from shared.values.period import ServicePeriod

_ZERO = Decimal(0)
_SHARE_DECIMALS = 12


def price_recurring(fee: Placed[RecurringLine], period: ServicePeriod, explanation: Explanation) -> Draft:
    """Return the fee of the period. With `proration: none` the fee first in force in the period is due
    whole."""
    last = fee.last
    charged = fee.spans if last.line.proration == "day" else fee.spans[:1]
    segments = tuple([_segment(span, period) for span in charged])
    if explanation.wanted:
        for span, segment in zip(charged, segments, strict=True):
            explanation.add(
                "price", fee.clause_id, _text(span, period), quantity=segment.quantity, amount=segment.exact
            )
    return Draft(
        key=fee.key,
        kind="recurring",
        clause_id=fee.clause_id,
        clause_hash=last.line.hash,
        version=last.version,
        description=last.line.description or fee.key,
        segments=segments,
        quantity=sum([segment.quantity for segment in segments], _ZERO),
        exact=sum([segment.exact for segment in segments], _ZERO),
    )


def _segment(span: LineSpan[RecurringLine], period: ServicePeriod) -> PricedSegment:
    days, whole = _days(span, period)
    part = (
        Decimal(1)
        if days == whole
        else round_to(share(Decimal(1), days, whole), _SHARE_DECIMALS, Rounding.HALF_UP)
    )
    return PricedSegment(
        start=span.start,
        end=span.end,
        version=span.version,
        clause_hash=span.line.hash,
        group={},
        quantity=part,
        allowance=_ZERO,
        priced=part,
        exact=share(span.line.amount, days, whole),
    )


def _days(span: LineSpan[RecurringLine], period: ServicePeriod) -> tuple[int, int]:
    return (1, 1) if span.line.proration == "none" else (span.days, period.whole_days)


def _text(span: LineSpan[RecurringLine], period: ServicePeriod) -> str:
    days, whole = _days(span, period)
    return f"{plain(span.line.amount)}" + ("" if days == whole else f" × {days} of {whole} days")
