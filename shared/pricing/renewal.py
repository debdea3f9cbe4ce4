"""Which term a contract is in, when it ends, and by when notice is due."""

from dataclasses import dataclass
from datetime import date, timedelta

from shared.pricing.language import Terms
from shared.values.period import add_months


@dataclass(frozen=True, slots=True)
class AgreedTerm:
    """The first term or a further one. `end` is the first day after it; notice is due before `notice_by`
    ends."""

    number: int
    start: date
    end: date
    notice_by: date
    renews: bool

    def is_due(self, day: date) -> bool:
        """Whether a day lies in the notice window: from `notice_by` until before the end."""
        return self.notice_by <= day < self.end


def term_on(terms: Terms, day: date) -> AgreedTerm:
    """Return the term a day falls in; the last one for a day after a contract that does not renew.

    Ends are counted from the first start, so that they never drift: 31 August, 29 February, 31 August.
    """
    further = terms.renewal.term_months or terms.term.months
    number = 1
    while terms.renewal.auto and day >= _end(terms, further, number):
        number += 1
    end = _end(terms, further, number)
    start = terms.term.start if number == 1 else _end(terms, further, number - 1)
    return AgreedTerm(number, start, end, end - timedelta(days=terms.renewal.notice_days), terms.renewal.auto)


def is_active(terms: Terms, day: date) -> bool:
    """Whether the contract runs on a day."""
    return terms.term.start <= day < term_on(terms, day).end


def _end(terms: Terms, further_months: int, number: int) -> date:
    return add_months(terms.term.start, terms.term.months + (number - 1) * further_months)
