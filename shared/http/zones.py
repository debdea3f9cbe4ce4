"""A time zone as a query parameter."""

from typing import Annotated
from zoneinfo import available_timezones

from fastapi import Query
from pydantic import AfterValidator


def _known(name: str) -> str:
    if name not in available_timezones():
        raise ValueError(f"no time zone {name!r}; use an IANA name such as America/New_York")
    return name


Zone = Annotated[
    str,
    Query(max_length=64, description="IANA time zone in which months begin and end"),
    AfterValidator(_known),
]
