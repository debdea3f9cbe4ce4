"""The term."""

from datetime import date
from typing import Annotated

from pydantic import Field

from shared.pricing.clause import Clause
from shared.pricing.fields import StartDay
from shared.values.period import add_months


class Term(Clause):
    """When the contract starts, and for how many months it is agreed."""

    start: StartDay
    months: Annotated[int, Field(strict=True, ge=1, le=1200)]

    @property
    def end(self) -> date:
        """The first day after the term."""
        return add_months(self.start, self.months)
