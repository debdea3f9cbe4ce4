"""Parameters of the routes: names as `shared.values` has them, and times between 1970 and 2200, which
databases and calendars can count with."""

from datetime import UTC, date, datetime
from typing import Annotated

from fastapi import Query
from pydantic import AfterValidator, AwareDatetime

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


Type = Annotated[Word | None, Query()]
Customer = Annotated[
    AskedSubject | None, Query(description="External id of a customer, or a subject without one")
]
Contract = Annotated[Key | None, Query()]
Instant = Annotated[AwareDatetime, AfterValidator(_countable)]
Day = Annotated[date, AfterValidator(_countable_day)]
