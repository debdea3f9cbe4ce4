"""A length of time."""

from typing import Annotated

from pydantic import Field

from shared.pricing.clause import Clause


class Months(Clause):
    """A number of months."""

    months: Annotated[int, Field(strict=True, ge=1, le=1200)]
