"""Parameters of the routes: ids without a NUL, and times between 1970 and 2200, which databases and calendars can count with."""

from datetime import UTC, date, datetime
from typing import Annotated

from fastapi import Path, Query
from pydantic import AfterValidator, AwareDatetime, Field

TEXT = r"^[^\x00]*$"
EARLIEST, LATEST = datetime(1970, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)


def _countable(instant: datetime) -> datetime:
    if not EARLIEST.year <= instant.year < LATEST.year:
        raise ValueError("a time lies between 1970 and 2200")
    return instant.astimezone(UTC)


def _countable_day(day: date) -> date:
    if not EARLIEST.year < day.year < LATEST.year:
        raise ValueError("a day lies between 1971 and 2199")
    return day


Id = Annotated[str, Path(max_length=255, pattern=r"^[^\x00]+$")]
Word = Annotated[str | None, Query(max_length=255, pattern=TEXT)]
Name = Annotated[str, Field(max_length=100, pattern=TEXT)]
Instant = Annotated[AwareDatetime, AfterValidator(_countable)]
Day = Annotated[date, AfterValidator(_countable_day)]
