"""What a question comes to, period by period."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import islice, takewhile
from typing import Final, NamedTuple

from services.rating.paper.domain.question import Question, fault, refused
from services.rating.paper.domain.usage_by_line import UsageByLine
from shared.pricing.balances import Balances
from shared.pricing.blocks.parts import Part, parts_due
from shared.pricing.layouts import layout_of
from shared.pricing.results import PricedPeriod
from shared.pricing.succession import price_periods
from shared.values.period import ServicePeriod

#: Lines of all periods that one question may ask for: ten years of months, eighty lines each.
LINES_MAX: Final = 10_000
#: Where blocks cut periods: lines and blocks that are looked at, slice by slice, about ten microseconds each. Beside one
#: line, a credit that is refilled every day has a thousand a month.
LOOKS_MAX: Final = 200_000


class AnsweredPeriod(NamedTuple):
    """A service period as it is priced, and what is asked for beforehand within it."""

    period: ServicePeriod
    priced: PricedPeriod
    parts: tuple[Part, ...]


Answered = list[AnsweredPeriod]


def priced_on_paper(question: Question) -> Answered:
    """Return the periods that begin before `until`, oldest first. Raises QuestionInvalid, and what pricing raises."""
    chain, usage = question.chain, question.usage
    periods = _periods(question)
    _refuse_too_many_slices(question, periods)
    priced = price_periods(
        chain,
        periods,
        lambda needs: dict(zip(needs, usage.quantities(needs), strict=True)),
        question.until,
        Balances(blocks=question.blocks),
    )
    answered = [AnsweredPeriod(period, one, _parts(question, period)) for period, one in priced]
    if isinstance(usage, UsageByLine):
        usage.refuse_what_is_left()
    return answered


def _refuse_too_many_slices(question: Question, periods: Sequence[ServicePeriod]) -> None:
    """Each slice of a period has all its lines, and each block may pay them."""
    looks = 0
    for period in periods:
        laid_out = layout_of(
            question.chain, replace(period, ended=period.end <= question.until), question.blocks
        )
        if not laid_out.cuts:
            continue
        agreed = laid_out.agreed
        blocks = len(agreed.promises) + len(agreed.credits) + len(question.blocks)
        looks += (len(laid_out.cuts) + 1) * (len(laid_out.lines) + blocks)
        if looks > LOOKS_MAX:
            many = (
                f"By {period.end_date} blocks cut its periods into so many slices that lines and blocks are looked at "
                f"more than {LOOKS_MAX} times; end with an earlier period, or let fewer blocks begin and end."
            )
            raise refused(fault("until", "too_many_slices", many))


def _parts(question: Question, period: ServicePeriod) -> tuple[Part, ...]:
    """What is asked for beforehand within a period; a block that began before all of them is asked for in the first."""
    first = next(question.chain[-1].terms.calendar.periods())
    granted = [
        part
        for part in question.prepayments
        if part.due < period.end and (part.due >= period.start or period.start == first.start)
    ]
    due = sorted([*parts_due(question.chain, period), *granted], key=lambda part: part.due)
    return tuple([part for part in due if part.due < question.until])


def _periods(question: Question) -> list[ServicePeriod]:
    """Return the periods as the newest version known draws them."""
    newest = question.chain[-1].terms
    lines = max(1, *(len(version.terms.lines) for version in question.chain))
    begun = takewhile(lambda period: period.start < question.until, newest.calendar.periods())
    periods = list(islice(begun, LINES_MAX // lines + 1))
    if len(periods) * lines > LINES_MAX:
        many = f"It asks for more than {LINES_MAX} lines, {lines} in each period; end with an earlier one."
        raise refused(fault("until", "too_many_lines", many))
    return periods
