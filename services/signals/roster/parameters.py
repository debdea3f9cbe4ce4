"""Query parameters of the roster."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Query

from services.signals.domain.activation import ActivationState
from services.signals.parameters import Day
from services.signals.roster.rows import Order, RosterFilter, Sort
from shared.http.sorting import Q


@dataclass(frozen=True, slots=True)
class AskedCustomers(RosterFilter):
    """The filter, as a query may say it."""

    at_risk: Annotated[
        bool | None, Query(description="Only customers at risk, or only those that are not")
    ] = None
    silent: Annotated[
        bool | None, Query(description="Only customers with a meter that is silent, or only those without")
    ] = None
    renews_before: Annotated[
        Day | None, Query(description="A running term of theirs ends before this day")
    ] = None
    activation: Annotated[
        ActivationState | None, Query(description="The activation of one of their contracts is in this state")
    ] = None
    q: Q = None


def _order(
    sort: Annotated[
        Sort,
        Query(
            description="By id, highest risk score first (of equal ones who has a silent meter), next renewal first, or "
            "first with whom most is likely to be lost: at_stake × score_p"
        ),
    ] = "customer",
    currency: Annotated[
        str | None,
        Query(
            pattern="^[A-Z]{3}$",
            description="Of sort=stake: in which currency something is at stake; default: the only one there is",
        ),
    ] = None,
) -> Order:
    return Order(sort, currency if sort == "stake" else None)


Asked = Annotated[AskedCustomers, Depends()]
OrderAsked = Annotated[Order, Depends(_order)]
