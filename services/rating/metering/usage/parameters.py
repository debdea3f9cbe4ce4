"""Query parameters that name whose usage is asked for."""

from typing import Annotated

from fastapi import Query

from shared.values.fields import AskedSubject, Key

Meter = Annotated[Key, Query()]
Customer = Annotated[AskedSubject | None, Query(description="External id: all subjects of the customer")]
Subject = Annotated[AskedSubject | None, Query(description="One subject, also one nobody knows")]
