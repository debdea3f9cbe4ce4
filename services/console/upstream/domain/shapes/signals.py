"""What signals answers."""

from typing import Any

from msgspec import Struct

from services.console.domain.formats import Number
from services.console.upstream.domain.shapes.parts import EXCEPTIONS, Day, Instant, Listed, Worth


class Reason(Struct, frozen=True):
    reason: str
    number: Number
    threshold: Number
    points: int
    says: str


class CustomerStanding(Struct, frozen=True):
    customer: str
    name: str
    last_seen_on: Day | None
    silent_since: Day | None
    trend: str | None
    trend_within_chance: bool | None
    risk_score: int | None
    at_risk: bool | None
    at_stake: list[Worth] | None
    reasons: list[Reason] | None
    renews_on: Day | None


class CustomerTotals(Struct, frozen=True):
    customers: int
    at_stake: list[Worth]
    owner: str


class Risk(Struct, frozen=True):
    score: int
    at_risk: bool
    reasons: list[Reason]


class Evaluated(Struct, frozen=True):
    risk: Risk


class Value(Struct, frozen=True):
    name: str
    unit: str
    definition: str


class CustomerSignals(Struct, frozen=True):
    customer: str
    name: str
    at: Instant
    evaluated: Evaluated | None
    values: list[Value]


class Note(Struct, frozen=True):
    text: str
    by: str
    at: Instant


class Signal(Struct, frozen=True):
    id: str
    type: str
    customer: str
    contract: str | None
    occurred_at: Instant
    data: Any
    state: str
    snoozed_until: Instant | None
    acknowledged_by: str | None
    assignee: str | None
    notes: list[Note]
    outcome: str | None


ANSWERS = {
    **EXCEPTIONS,
    ("GET", "/v1/customers"): Listed[CustomerStanding],
    ("GET", "/v1/customers/totals"): CustomerTotals,
    ("GET", "/v1/customers/{}/signals"): CustomerSignals,
    ("GET", "/v1/signals"): Listed[Signal],
    ("GET", "/v1/signals/{}"): Signal,
}
