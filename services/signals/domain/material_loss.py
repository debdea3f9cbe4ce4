"""The label of a back-test: whether a customer was materially lost in the three months after a day.

Lost is who is silent for 60 days in a row within them, and whose use by day falls by more than a quarter, where the
two counts differ by three standard deviations at least. *Of the book* the same fall is measured against what the
whole book did: a season that takes everybody along is nobody's loss.
"""

from dataclasses import dataclass

#: How long before and after a day is looked at, and which silence is a loss: also of a term that ended (`outcomes.py`).
MONTHS_BEFORE = MONTHS_AHEAD = 3
SILENT_DAYS_MAX = 60
#: A rate that keeps less than three quarters has fallen.
KEPT_OF, KEPT_MIN = 4, 3
#: (before − after)² ≥ 3² (before + after): the variance of a counted number is the number.
DEVIATIONS_SQUARED = 9


@dataclass(frozen=True, slots=True)
class Stretch:
    """Events counted over so many days."""

    events: int
    days: int


@dataclass(frozen=True, slots=True)
class Book:
    """Events of all customers in the same two stretches."""

    before: int
    after: int


def is_material_loss(before: Stretch, after: Stretch, silent_days: int, book: Book | None = None) -> bool:
    """Whether a customer was lost. `before` is its use of the three months before the day, `after` that of the three
    from it on, `silent_days` the most days in a row without use among those. With `book` a fall is one of the
    customer's ratio against the book's; a silence is one whatever the book does."""
    if silent_days >= SILENT_DAYS_MAX:
        return True
    return _fell(before, after) if book is None else _fell_of_the_book(before.events, after.events, book)


def _fell(before: Stretch, after: Stretch) -> bool:
    """In whole numbers: rates are multiplied crosswise, so that nothing is rounded."""
    return after.events * before.days * KEPT_OF < before.events * after.days * KEPT_MIN and (
        before.events - after.events
    ) ** 2 >= DEVIATIONS_SQUARED * (before.events + after.events)


def _fell_of_the_book(before: int, after: int, book: Book) -> bool:
    """As if the customer had been expected to do what the book did: before × book.after ÷ book.before, here times
    book.before throughout."""
    expected, found = before * book.after, after * book.before
    return found * KEPT_OF < expected * KEPT_MIN and (
        expected - found
    ) ** 2 >= DEVIATIONS_SQUARED * book.before * (expected + found)
