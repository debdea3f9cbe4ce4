"""What is stored as JSON and shown as it was stored fits the types that describe it, and is shown whatever
they have become."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import pytest
from pydantic import TypeAdapter

from services.signals.domain.customer_day import Customer, Engagement, Found, Known, Meter
from services.signals.domain.evaluation import evaluate
from services.signals.domain.event_types import EVENT_TYPES
from services.signals.domain.renewal_model import RenewalModel
from services.signals.domain.rollup import fresh
from services.signals.domain.shown import shown_object
from services.signals.domain.state import CustomerState
from services.signals.domain.statement import Statement
from services.signals.domain.values import DEFINITIONS, values_of
from services.signals.evaluation.answers.customers import CustomerSignalsAnswer
from services.signals.evaluation.answers.evaluated import EvaluatedAnswer
from services.signals.facts.answers.data import DATA
from services.signals.facts.answers.facts import SignalAnswer
from services.signals.facts.rows import FactRow
from services.signals.replica.rows import CustomerRow
from services.signals.settings import read_policy
from tests.services.signals.contracts import calls_line, contract, statement
from tests.services.signals.deployment import START

FIRST, DAYS = date(2024, 1, 1), 400
CONTRACT = contract(
    lines=[calls_line(included="300")],
    activation={
        "deadline_days": 60,
        "milestones": [
            {"key": "first", "meter": "calls", "at_least": "10", "weight": "0.5"},
            {"key": "team", "active_users": 5, "in_days": 14, "weight": "0.5"},
        ],
    },
)


def year() -> Iterator[Found]:
    """A customer day by day: more and more use until October, then none; users who go quiet; an allowance of
    300 and a minimum a month."""
    rollup, state, policy = fresh("calls", FIRST), CustomerState(), read_policy()
    for number in range(DAYS):
        day = FIRST + timedelta(days=number)
        agreed = replace(CONTRACT, statements=_statements(day))
        customer = Customer(
            "cus_1", "acme", "UTC", {"calls": rollup}, {"calls": Meter(True, "call")}, [agreed]
        )
        engagement = Engagement(3, 5, 9, 10, 2, 4, 8, number % 8, {14: 3}, 70, 4, 6)
        stake = {"acme-2024": {"USD": 1_200_000, "JPY": 5}} if number % 9 else None
        producers = {"call": date(2024, 9, 30)} if day == date(2024, 11, 20) else {}
        found = evaluate(
            Known(customer, day, engagement, policy, stake, RenewalModel(12, 0.25), producers), state
        )
        yield found
        state = found.state
        if day < date(2024, 10, 1):
            rollup.add(day, 5 + number // 10, Decimal(5 + number // 10))


def _statements(day: date) -> list[Statement]:
    """Of the running month and those before it, as they are heard."""
    months = [date(2024 + at // 12, at % 12 + 1, 1) for at in range((day.year - 2024) * 12 + day.month)]
    return [
        statement(
            first,
            (first + timedelta(days=31)).replace(day=1),
            {"included:calls": "300", "used:calls": "400", "minimum_minor": "100000"},
            [{"key": "calls", "kind": "usage", "meter": "calls", "quantity": "400", "amount_minor": 40_000}],
        )
        for first in months[-5:]
    ]


@pytest.mark.parametrize("name", EVENT_TYPES)
def test_the_example_of_every_type_fits_its_data(name: str) -> None:
    TypeAdapter(DATA[name]).validate_python(EVENT_TYPES[name].example)


def test_what_a_year_tells_fits_the_data_of_its_type() -> None:
    told = [fact for found in year() for fact in found.facts]
    for fact in told:
        assert TypeAdapter(DATA[fact.type]).validate_python(fact.data).as_json().keys() == fact.data.keys()
    assert {fact.type for fact in told} == {
        "customer.consumption.threshold_reached",
        "customer.activation.at_risk",
        "customer.activation.failed",
        "customer.deepening",
        "customer.users_quiet",
        "expansion.ready",
        "meter.silent",
        "renewal.due",
        "renewal.at_risk",
        "customer.at_risk",
    }


def test_a_signal_is_shown_as_it_was_told_whatever_its_type_says_today() -> None:
    row = FactRow(
        signal_id="sig_1",
        type="renewal.due",
        customer_id="cus_1",
        customer="acme",
        contract=None,
        day=FIRST,
        occurred_at=START,
        sequence=1,
        data={"of_another_version": [1, None, "0.50"]},
        state="open",
        snoozed_until=None,
        acknowledged_by=None,
        acknowledged_at=None,
        told_at=START,
        named=(),
        judged=None,
        assignee=None,
        notes=(),
    )
    for kept in (row, replace(row, type="renewal.of_another_version")):
        assert SignalAnswer.of(kept).as_json()["data"] == row.data


def test_every_evaluation_of_a_year_and_its_values_fit_the_types_that_describe_them() -> None:
    named: set[str] = set()
    for found in year():
        document = shown_object(found.document)
        answer = CustomerSignalsAnswer.of(
            CustomerRow("cus_1", 1, "acme", "Acme", "UTC"), START, {**document, "at": START}
        ).as_json()
        evaluated = TypeAdapter(EvaluatedAnswer).validate_python(answer["evaluated"])
        assert evaluated.as_json() == answer["evaluated"] == {**document, "at": "2024-01-01T12:00:00Z"}
        assert answer["values"] == values_of(document)
        named |= {value["name"] for value in answer["values"]}
    assert named == DEFINITIONS.keys() - {"last_login_on"}
