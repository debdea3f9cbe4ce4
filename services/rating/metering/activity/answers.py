"""What the API answers about activity."""

from typing import Annotated, Literal

from pydantic import Field

from shared.http.answers import Answer


class ActivityToldAnswer(Answer):
    """All activity is on the bus."""

    object: Literal["activity"] = "activity"
    told: Annotated[int, Field(ge=0)]
    """How much this call told itself: batches, and days and subjects that were told again"""
