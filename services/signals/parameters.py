"""Parameters of the routes: names as `shared.values` has them, and times between 1970 and 2200, which
databases and calendars can count with."""

from datetime import UTC, date, datetime
from typing import Annotated

from fastapi import Query
from pydantic import AfterValidator, AwareDatetime

from shared.errors import AppError
from shared.values.fields import AskedSubject, Key, Word

EARLIEST, LATEST = datetime(1970, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)


def _countable(instant: datetime) -> datetime:
    if not EARLIEST.year <= instant.year < LATEST.year:
        raise ValueError("a time lies between 1970 and 2200")
    return instant.astimezone(UTC)


def _countable_day(day: date) -> date:
    if not EARLIEST.year < day.year < LATEST.year:
        raise ValueError("a day lies between 1971 and 2199")
    return day


class AtInFuture(AppError):
    """What is not yet is not known: an instant that is asked about is not in the future, by the business
    clock."""


def instant_asked(at: datetime | None, now: datetime) -> datetime:
    """The instant that is asked about, now where none is. Raises AtInFuture for one of which nothing can be
    known."""
    if at is not None and at > now:
        raise AtInFuture(
            f"it is {now.isoformat()}; ask for an instant up to then, or leave `at` out",
            errors=[{"pointer": "/query/at", "code": "in_future", "detail": f"{at.isoformat()} is later"}],
        )
    return at or now


Type = Annotated[Word | None, Query()]
Customer = Annotated[
    AskedSubject | None, Query(description="External id of a customer, or a subject without one")
]
Contract = Annotated[Key | None, Query()]
Instant = Annotated[AwareDatetime, AfterValidator(_countable)]
Day = Annotated[date, AfterValidator(_countable_day)]
At = Annotated[
    Instant | None, Query(description="As it was evaluated at this instant of business time; nothing: now")
]
