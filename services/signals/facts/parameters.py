"""Query parameters of the list of signals."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Query

from services.signals.facts.rows import FactFilter, State
from services.signals.parameters import Contract, Customer, Instant, Type


@dataclass(frozen=True, slots=True)
class AskedFacts(FactFilter):
    """The filter, as a query may say it."""

    type: Type = None
    customer: Customer = None
    contract: Contract = None
    state: Annotated[State | None, Query()] = None
    since: Annotated[Instant | None, Query(alias="from")] = None
    until: Annotated[Instant | None, Query(alias="to")] = None


Asked = Annotated[AskedFacts, Depends()]
