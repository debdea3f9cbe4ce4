"""Query parameters of the list of statements."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Query

from services.rating.statements.rows import State, StatementFilter
from shared.http.months import Month
from shared.values.fields import AskedSubject, Key


@dataclass(frozen=True, slots=True)
class AskedStatements(StatementFilter):
    """The filter, as a query may say it."""

    contract: Annotated[Key | None, Query()] = None
    customer: Annotated[AskedSubject | None, Query(description="External id of the customer")] = None
    final: Annotated[bool | None, Query(description="Only final ones, or only open ones")] = None
    month: Annotated[
        Month | None, Query(description="In which the last day of the period is, such as 2013-12")
    ] = None
    state: Annotated[
        State | None,
        Query(description="`due`: its grace has ended; `held`: it cannot be priced, due or not"),
    ] = None


Asked = Annotated[AskedStatements, Depends()]
