"""Evaluations, as rows: the fields are the columns."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Annotated

import msgspec

from services.signals.domain.shown import Document
from services.signals.domain.state import CustomerState
from services.signals.domain.statement import Statement
from shared.db.columns import JSONB
from shared.topics.rating import ContractVersion


@dataclass(frozen=True, slots=True)
class Due:
    """A claimed customer and the local day that is evaluated next. `state`: as stored; `was_held`: something of it
    could not be read when it was claimed before."""

    customer_id: str
    external_id: str
    timezone: str
    next_on: date
    state: Mapping[str, object]
    was_held: bool


@dataclass(frozen=True, slots=True)
class NextDue:
    """When the customer that waits longest was due, and of those that are not held; None without one."""

    due_at: datetime | None
    ready_at: datetime | None


@dataclass(frozen=True, slots=True)
class CustomerStateRow:
    """A row of `customer_states`: what an evaluation leaves, the day that is next and when it is due. Who is
    evaluated is held no more."""

    customer_id: str
    next_on: date
    due_at: datetime
    state: Annotated[CustomerState, JSONB]
    held_until: datetime | None = None


@dataclass(frozen=True, slots=True)
class KeptStanding:
    """A row of `standings` as it is written: the evaluation of a day that began at `at`, as JSON."""

    customer_id: str
    day: date
    at: datetime
    document: Annotated[msgspec.Raw, JSONB]


@dataclass(frozen=True, slots=True)
class StandingRow:
    """The evaluation of a day that began at `at`."""

    day: date
    at: datetime
    document: Document


@dataclass(frozen=True, slots=True)
class ContractRow:
    """A contract of a customer with its versions as far as they come without a gap, at least one, and its
    newest statements, both oldest first."""

    customer_id: str
    contract: str
    versions: tuple[ContractVersion, ...]
    capacities: tuple[Statement, ...]


@dataclass(frozen=True, slots=True)
class DistinctRow:
    """Distinct users, teams or features of a customer in the UTC days before an instant."""

    in_day: int = 0
    in_week: int = 0
    in_month: int = 0
    in_month_before: int = 0
    #: Of each day of the month those of that day, added up.
    days_in_month: int = 0


@dataclass(frozen=True, slots=True)
class MostActiveRow:
    """The users who carried the use of a customer, and those of them who were not seen of late."""

    most_active: int = 0
    quiet: int = 0


@dataclass(frozen=True, slots=True)
class SaidRow:
    """What the score said of a customer, by external id, as the month `at` began. `meter`: its main one."""

    customer: str
    at: date
    score: int
    at_risk: bool
    meter: str | None


@dataclass(frozen=True, slots=True)
class ProgressRow:
    """Until when customers are evaluated, and what is due."""

    customers: int
    evaluated_through: date | None
    due: int
    deliveries_due: int
