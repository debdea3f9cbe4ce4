"""When a contract's term ends, and from when its renewal is due: the notice window."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any


@dataclass(frozen=True)
class Renewal:
    """`term_end` is the first day after the term; `notice_on` the first day of the notice window before it."""

    term_end: date
    notice_on: date
    auto: bool
    due: bool


def renewal(terms: Mapping[str, Any], today: date) -> Renewal | None:
    """Return the renewal of the term `today` lies in, or None for a contract without an end or a notice."""
    term, clause = terms.get("term"), terms.get("renewal")
    if not term or not term.get("months") or not clause:
        return None
    end = _add_months(date.fromisoformat(term["start"]), int(term["months"]))
    if clause.get("auto"):
        step = int(clause.get("term_months") or term["months"])
        while end <= today:
            end = _add_months(end, step)
    notice_on = end - timedelta(days=int(clause.get("notice_days", 0)))
    return Renewal(end, notice_on, bool(clause.get("auto")), notice_on <= today < end)


def _add_months(day: date, months: int) -> date:
    """The same day so many months on, clamped to the month's end."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    first_of_next = date(year + (month + 1) // 12, (month + 1) % 12 + 1, 1)
    return min(date(year, month + 1, 1) + timedelta(days=day.day - 1), first_of_next - timedelta(days=1))
