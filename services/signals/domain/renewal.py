"""How the renewal of a contract stands on a day: the notice window before the term's end, and its steps."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from shared.pricing.language import Terms
from shared.pricing.renewal import term_on


@dataclass(frozen=True, slots=True)
class Renewal:
    """`term_end` is the first day after the term; `notice_on` the first day of the notice window before
    it."""

    term_start: date
    term_end: date
    notice_on: date
    notice_days: int
    auto: bool
    due: bool


def renewal(terms: Terms, today: date) -> Renewal:
    """Return the renewal of the term `today` lies in, of the last term for a day after the contract."""
    term = term_on(terms, today)
    return Renewal(
        term.start,
        term.end,
        term.notice_by,
        terms.renewal.notice_days,
        term.renews,
        term.is_due(today),
    )


def notice_step(found: Renewal, today: date, steps_days: Sequence[int]) -> int | None:
    """The notice step `today` is in: days before the end, the contract's own notice first; None outside of
    the notice window."""
    if not found.due:
        return None
    steps = {found.notice_days, *(step for step in steps_days if step < found.notice_days)}
    return min(step for step in steps if found.term_end - timedelta(days=step) <= today)
