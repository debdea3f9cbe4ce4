"""Query parameters that name something: short text without NUL, which no store can hold."""

from typing import Annotated

from fastapi import Query

NO_NUL = r"^[^\x00]*$"
Reference = Annotated[str, Query(min_length=1, max_length=255, pattern=NO_NUL)]
Customer = Annotated[str | None, Query(min_length=1, max_length=255, pattern=NO_NUL, description="External id: all subjects of the customer")]
Subject = Annotated[str | None, Query(min_length=1, max_length=255, pattern=NO_NUL, description="One subject, also one nobody knows")]
