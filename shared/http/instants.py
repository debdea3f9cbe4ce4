"""An instant as a parameter: one that still is an instant in any time zone, for Python and Postgres alike."""

from datetime import datetime
from typing import Annotated

from pydantic import AfterValidator, AwareDatetime


def _countable(moment: datetime) -> datetime:
    if not 1900 <= moment.year < 2200:
        raise ValueError("must lie between 1900 and 2200")
    return moment


Instant = Annotated[AwareDatetime, AfterValidator(_countable)]
