"""What the API answers about activity."""

from typing import Annotated, Literal

from pydantic import Field

from shared.http.answers import Answer


class ActivityToldAnswer(Answer):
    """All activity is on the bus."""

    object: Literal["activity"] = "activity"
    told: Annotated[int, Field(ge=0)]
    """What this call did itself: of how many partitions it told what waited, and how many days and subjects it told
    again; 0 where others had"""
