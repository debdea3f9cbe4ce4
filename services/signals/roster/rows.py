"""Customers of the roster, as rows, and what a list of them is asked for."""

from dataclasses import dataclass
from datetime import date
from typing import Final, Literal

from services.signals.domain.activation import ActivationState
from services.signals.domain.shown import Document
from shared.values.money import Money

Sort = Literal["customer", "risk", "stake", "renewal"]
#: Who sees to it that customers stay.
OWNER: Final = "customer success manager"


@dataclass(frozen=True, slots=True)
class RosterFilter:
    """None asks for all. `silent`: whether one of their meters is; `q`: how the external id or the name begins."""

    at_risk: bool | None = None
    silent: bool | None = None
    renews_before: date | None = None
    activation: ActivationState | None = None
    q: str | None = None


@dataclass(frozen=True, slots=True)
class Order:
    """How customers are listed: by external id, the highest risk score first (of equal ones who has a silent meter), the next
    renewal first, or first with whom most is likely to be lost in a currency. None: the only one there is."""

    sort: Sort = "customer"
    currency: str | None = None


@dataclass(frozen=True, slots=True)
class Place:
    """Where a customer stands in an order: by `rank` from the lowest on, and of those alike by external id."""

    rank: int
    external_id: str


@dataclass(frozen=True, slots=True)
class Days:
    """Local days from `since` on and before `until`; None bounds nothing."""

    since: date | None = None
    until: date | None = None


@dataclass(frozen=True, slots=True)
class RosterRow:
    """A customer with its newest evaluation; None before the first."""

    external_id: str
    name: str
    rank: int
    renews_on: date | None
    document: Document | None
    day: date | None = None

    @property
    def place(self) -> Place:
        return Place(self.rank, self.external_id)


@dataclass(frozen=True, slots=True)
class RosterTotal:
    """How many customers fit, and what is at stake with them, one amount a currency."""

    customers: int
    at_stake: tuple[Money, ...]
