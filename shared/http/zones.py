"""A time zone as a query parameter."""

from typing import Annotated

from fastapi import Query
from pydantic import AfterValidator

from shared.values.zones import known_zone

Zone = Annotated[
    str,
    Query(max_length=64, description="IANA time zone in which months begin and end"),
    AfterValidator(known_zone),
]
