"""A month as a parameter."""

from datetime import date
from typing import Annotated, Final

from pydantic import Field

MONTH: Final = r"^(19|20|21)[0-9]{2}-(0[1-9]|1[0-2])$"
Month = Annotated[str, Field(pattern=MONTH)]


def first_day(month: str) -> date:
    """The day on which it begins."""
    return date.fromisoformat(f"{month}-01")
