"""When a contract's term ends, and from when its renewal is due: the notice window and its steps."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any


@dataclass(frozen=True)
class Renewal:
    """`term_end` is the first day after the term; `notice_on` the first day of the notice window before
    it."""

    term_start: date
    term_end: date
    notice_on: date
    notice_days: int
    auto: bool
    due: bool


def renewal(terms: Mapping[str, Any], today: date) -> Renewal | None:
    """Return the renewal of the term `today` lies in, or None for a contract without an end or a notice.

    Ends are counted from the first start, so that they never drift: 31 August, 29 February, 31 August.
    """
    term, clause = terms.get("term"), terms.get("renewal")
    if not term or not term.get("months") or not clause:
        return None
    first, months = date.fromisoformat(term["start"]), int(term["months"])
    further, start, end = int(clause.get("term_months") or months), first, add_months(first, months)
    while clause.get("auto") and end <= today:
        months += further
        start, end = end, add_months(first, months)
    notice_days = int(clause.get("notice_days", 0))
    notice_on = end - timedelta(days=notice_days)
    return Renewal(start, end, notice_on, notice_days, bool(clause.get("auto")), notice_on <= today < end)


def notice_step(found: Renewal, today: date, steps_days: Sequence[int]) -> int | None:
    """The notice step `today` is in: days before the end, the contract's own notice first; None outside of
    the notice window."""
    if not found.due:
        return None
    steps = {found.notice_days, *(step for step in steps_days if step < found.notice_days)}
    return min(step for step in steps if found.term_end - timedelta(days=step) <= today)


def add_months(day: date, months: int) -> date:
    """The same day so many months on, clamped to the month's end."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    first_of_next = date(year + (month + 1) // 12, (month + 1) % 12 + 1, 1)
    return min(date(year, month + 1, 1) + timedelta(days=day.day - 1), first_of_next - timedelta(days=1))
