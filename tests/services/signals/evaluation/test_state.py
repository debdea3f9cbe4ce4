"""What an evaluation leaves is stored with its version; what was stored before there were versions is read."""

import json
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from services.signals.domain.activation import ActivationState
from services.signals.domain.customer_day import Customer, Known, Meter
from services.signals.domain.evaluation import evaluate
from services.signals.domain.rollup import fresh
from services.signals.domain.state import (
    ContractState,
    CustomerState,
    MonthSix,
    StateUnreadable,
    read_state,
)
from services.signals.domain.trend import TrendState
from services.signals.evaluation.usecases.evaluate import evaluate_due
from services.signals.settings import read_policy
from tests.services.signals.contracts import contract
from tests.services.signals.deployment import Signals

#: As a deployment of November 2026 stored it, with everything a state could say.
WITHOUT_VERSION: dict[str, Any] = {
    "users_quiet": True,
    "known_on": "2024-01-01",
    "first_on": "2024-01-01",
    "trend": "deepening",
    "silent": {"calls": "2024-09-30"},
    "month_six": {
        "started": "2024-01-01",
        "on": "2024-07-01",
        "trend": "deepening",
        "weeks": 26,
        "change": "1.537",
        "early_week": "54",
        "late_week": "137",
    },
    "contracts": {
        "acme-2024": {
            "totals": {"2024-01-01": {"calls": "12.5"}, "2025-01-01": {}},
            "milestones": {"first": "2024-01-02", "team": "2024-04-09"},
            "thresholds": [["acme-2024", "2024-12-01", "allowance", "calls", "0.80"]],
            "at_risk": True,
            "term_end": "2025-01-01",
            "activation": "reached",
            "episodes": 4,
            "told": ["2025-01-01:30", "2025-01-01:60", "2025-01-01:risk:4"],
            "over": True,
        },
        "acme-plain": {"totals": {}, "thresholds": [], "at_risk": False, "term_end": None},
    },
}
READ = CustomerState(
    known_on=date(2024, 1, 1),
    first_on=date(2024, 1, 1),
    trend=TrendState.DEEPENING,
    silent={"calls": date(2024, 9, 30)},
    users_quiet=True,
    month_six=MonthSix(
        date(2024, 1, 1),
        date(2024, 7, 1),
        TrendState.DEEPENING,
        26,
        Decimal("1.537"),
        Decimal(54),
        Decimal(137),
    ),
    contracts={
        "acme-2024": ContractState(
            totals={date(2024, 1, 1): {"calls": Decimal("12.5")}, date(2025, 1, 1): {}},
            milestones={"first": date(2024, 1, 2), "team": date(2024, 4, 9)},
            activation=ActivationState.REACHED,
            thresholds=(("acme-2024", "2024-12-01", "allowance", "calls", "0.80"),),
            at_risk=True,
            episodes=4,
            told=("2025-01-01:30", "2025-01-01:60", "2025-01-01:risk:4"),
            term_end=date(2025, 1, 1),
            over=True,
        ),
        "acme-plain": ContractState(),
    },
)


def stored(state: CustomerState) -> Any:
    return json.loads(msgspec.json.encode(state))


def test_a_state_without_a_version_is_read_whole() -> None:
    assert read_state(WITHOUT_VERSION) == READ
    assert read_state({}) is None, "nothing was evaluated yet"


def test_a_state_says_its_version_and_is_read_as_it_was() -> None:
    assert stored(READ)["version"] == 1 and stored(CustomerState()) == {"version": 1}
    assert read_state(stored(READ)) == READ
    kept = {name: value for name, value in stored(READ).items() if name not in ("version", "contracts")}
    assert kept.items() <= WITHOUT_VERSION.items(), "the shape did not change"
    assert stored(READ)["contracts"]["acme-2024"] == WITHOUT_VERSION["contracts"]["acme-2024"]


def test_a_state_of_a_version_nobody_knows_is_refused() -> None:
    with pytest.raises(StateUnreadable, match="version"):
        read_state({**WITHOUT_VERSION, "version": 2})


def test_nothing_that_was_told_is_told_again_from_a_state_without_a_version() -> None:
    """On the eve of the term's end: the last notice step is new, everything else is known."""
    rollup = fresh("calls", date(2024, 9, 30))
    rollup.add(date(2024, 9, 30), 5, Decimal(5))
    customer = Customer(
        "cus_1", "acme", "UTC", {"calls": rollup}, {"calls": Meter(True, "call")}, [contract()]
    )
    before = read_state(WITHOUT_VERSION)
    assert before is not None
    found = evaluate(Known(customer, date(2024, 12, 31), None, read_policy()), before)
    assert [fact.key for fact in found.facts] == [("acme-2024", "2025-01-01", "7")]
    assert found.document["trend"]["latched"] == "deepening"
    assert found.document["trend_month_six"] == WITHOUT_VERSION["month_six"]
    assert found.state.contracts["acme-plain"] == READ.contracts["acme-plain"], "a contract that is gone"
    anew = evaluate(Known(customer, date(2024, 12, 31), None, read_policy()), CustomerState())
    assert len(anew.facts) > 3, "without the state"


async def test_the_next_evaluation_stores_it_with_its_version(signals: Signals) -> None:
    pool, until = signals.context.db.pool, datetime(2024, 12, 31, 12, tzinfo=UTC)
    await pool.execute("insert into signals.customers values ('cus_1', 1, 'acme', 'Acme', 'UTC')")
    await pool.execute(
        "insert into signals.customer_states values ('cus_1', '2024-12-31', $1, $2)", until, WITHOUT_VERSION
    )
    async with signals.context.db.transaction() as uow:
        assert await evaluate_due(uow, until, read_policy(), 10) == 1
    kept = await pool.fetchval("select state from signals.customer_states")
    assert kept["version"] == 1 and kept["contracts"].keys() == WITHOUT_VERSION["contracts"].keys()
    assert kept["known_on"] == "2024-01-01" and kept["trend"] == "deepening" and kept["users_quiet"]
