"""Query parameters of the list of signals."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Query

from services.signals.facts.requests import Assignee
from services.signals.facts.rows import FactFilter, State
from services.signals.parameters import Contract, Customer, Instant, Type
from shared.values.fields import AskedSubject


@dataclass(frozen=True, slots=True)
class AskedFacts(FactFilter):
    """The filter, as a query may say it."""

    type: Type = None
    customer: Customer = None
    contract: Contract = None
    state: Annotated[State | None, Query()] = None
    since: Annotated[Instant | None, Query(alias="from")] = None
    until: Annotated[Instant | None, Query(alias="to")] = None
    assignee: Annotated[Assignee | None, Query(description="The person who looks after it")] = None
    q: Annotated[
        AskedSubject | None,
        Query(description="How the customer's external id begins, whatever its case"),
    ] = None


Asked = Annotated[AskedFacts, Depends()]
