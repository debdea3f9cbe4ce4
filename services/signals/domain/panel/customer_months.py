"""Which customers are judged at which months, what was known of each then, and whether it was lost after it."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from services.signals.domain.material_loss import (
    MONTHS_AHEAD,
    MONTHS_BEFORE,
    Book,
    Stretch,
    is_material_loss,
)
from services.signals.domain.panel.counts import Counts
from services.signals.domain.panel.panel import Panel, RecordedOutcome
from services.signals.domain.renewal_model import Features
from services.signals.domain.risk_probability import DAYS_A_WEEK, NEW_WEEKS, p_fall, p_gone, score_p
from shared.values.period import add_months

#: Who did not use it in so many days is gone already, and who used it on fewer days ever has no rhythm yet.
RECENT_DAYS, DAYS_OF_USE_MIN = 90, 8
NEW_DAYS = NEW_WEEKS * DAYS_A_WEEK
#: More are thinned out, so that a report takes seconds.
CUSTOMER_MONTHS_MAX = 8_000
DAYS_A_MONTH = 30


@dataclass(frozen=True, slots=True)
class CustomerMonth:
    """What was known of a customer as the month `at` began, and what came of it: known from `ended_on` on.
    `lost_of_the_book` is None where outcomes are recorded."""

    customer: str
    at: date
    features: Features
    ended_on: date
    lost: bool
    lost_of_the_book: bool | None


def months_of(panel: Panel) -> list[date]:
    """The first days of months with three months of history before them and three after them."""
    at = panel.first.replace(day=1)
    found = []
    while add_months(at, MONTHS_AHEAD) <= panel.end:
        if add_months(at, -MONTHS_BEFORE) >= panel.first:
            found.append(at)
        at = add_months(at, 1)
    return found


def customer_months(panel: Panel) -> list[CustomerMonth]:
    """Every month of every customer that can be judged, by month and name; in a panel of very many, of every n-th
    customer."""
    months, books = months_of(panel), _books(panel)
    judged = sorted(name for name, counts in panel.customers.items() if _months_at_most(panel, counts))
    found = [
        month
        for customer in judged[:: every_nth(panel)]
        for at in months
        if is_judged(panel.customers[customer], at)
        for month in _judged(panel, customer, at, books[at])
    ]
    return sorted(found, key=lambda one: (one.at, one.customer))


def every_nth(panel: Panel) -> int:
    """Of so many customers one is judged, so that about CUSTOMER_MONTHS_MAX come of them; 1: everybody is."""
    expected = sum(_months_at_most(panel, counts) for counts in panel.customers.values())
    return max(1, -(-expected // CUSTOMER_MONTHS_MAX))


def _months_at_most(panel: Panel, counts: Counts) -> int:
    """In how many months it may be judged: from its first use to a while after its last."""
    first, last = counts.first_day(), counts.last_day_before(panel.end)
    if first is None or last is None or counts.days_before(panel.end) < DAYS_OF_USE_MIN:
        return 0
    begin = max(first, add_months(panel.first, MONTHS_BEFORE))
    end = min(last + timedelta(days=RECENT_DAYS), add_months(panel.end, -MONTHS_AHEAD))
    return max(0, (end - begin).days // DAYS_A_MONTH + 1)


def _books(panel: Panel) -> dict[date, Book]:
    """Month → what everybody counted in the three months before its first day, and in the three from it on."""
    by_month: Counter[date] = Counter()
    for counts in panel.customers.values():
        for day, events in counts.used_between(panel.first, panel.end):
            by_month[day.replace(day=1)] += events
    return {
        at: Book(
            sum(by_month[add_months(at, -number)] for number in range(1, MONTHS_BEFORE + 1)),
            sum(by_month[add_months(at, number)] for number in range(MONTHS_AHEAD)),
        )
        for at in months_of(panel)
    }


def is_judged(counts: Counts, at: date) -> bool:
    """Whether it was used of late as the day `at` begins, and on days enough to have a rhythm."""
    silent = counts.silence_before(at)
    return silent is not None and silent < RECENT_DAYS and counts.days_before(at) >= DAYS_OF_USE_MIN


def _judged(panel: Panel, customer: str, at: date, book: Book) -> Iterator[CustomerMonth]:
    """Nothing where outcomes are recorded and none falls into the three months from `at` on."""
    counts, features = panel.customers[customer], features_at(panel.customers[customer], at)
    end = add_months(at, MONTHS_AHEAD)
    if panel.outcomes:
        ahead = [one for one in panel.outcomes.get(customer, ()) if at <= one.on < end]
        if ahead:
            yield CustomerMonth(customer, at, features, _ended(ahead), any(one.lost for one in ahead), None)
        return
    yield CustomerMonth(customer, at, features, end, is_lost(counts, at), is_lost(counts, at, book))


def is_lost(counts: Counts, at: date, book: Book | None = None) -> bool:
    """Whether it was materially lost in the three months from `at` on, against the book where that is given."""
    start, end = add_months(at, -MONTHS_BEFORE), add_months(at, MONTHS_AHEAD)
    before = Stretch(counts.between(start, at), (at - start).days)
    after = Stretch(counts.between(at, end), (end - at).days)
    return is_material_loss(before, after, counts.longest_silence(at, end), book)


def _ended(outcomes: Sequence[RecordedOutcome]) -> date:
    return max(one.on for one in outcomes) + timedelta(days=1)


def features_at(counts: Counts, at: date) -> Features:
    """What is known as the day `at` begins, of a customer with use before it."""
    first, silent_days = counts.first_day(), counts.silence_before(at)
    assert first is not None and silent_days is not None, "only who used it before is judged"
    since_first = (at - first).days
    fall = p_fall(counts.weeks_before(at))
    gone = p_gone(silent_days, since_first, counts.days_before(at))
    return Features(
        score_p(fall, gone) or 0.0,
        fall or 0.0,
        gone or 0.0,
        silent_days,
        counts.between(at - timedelta(days=NEW_DAYS), at),
        since_first,
    )
