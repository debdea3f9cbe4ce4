"""The real year, evaluated day by day: the classifications and dates that a person can read off the daily
counts."""

from collections import defaultdict
from datetime import date, timedelta
from decimal import Decimal
from functools import cache
from typing import Any

import pytest

from lab.departures.year import EXAMPLES, NEW_YORK, read_flights
from services.signals.domain.customer_day import Contract, Customer, Known, Meter
from services.signals.domain.evaluation import evaluate
from services.signals.domain.fact import Fact
from services.signals.domain.rollup import fresh
from services.signals.domain.shown import shown_object
from services.signals.domain.state import CustomerState
from services.signals.settings import read_policy
from shared.pricing.language import parse_terms
from tests.services.signals.contracts import version_of
from u2c.documents import load_document

FIRST, LAST = date(2013, 1, 1), date(2014, 1, 4)


@cache
def flown() -> dict[str, dict[date, int]]:
    """Airline → New York day → departures that were not cancelled."""
    days: dict[str, dict[date, int]] = defaultdict(lambda: defaultdict(int))
    for flight in read_flights():
        if flight.delay is not None:
            days[flight.carrier][flight.scheduled.astimezone(NEW_YORK).date()] += 1
    return days


@cache
def year_of(airline: str) -> tuple[dict[str, Any], list[Fact]]:
    """The last evaluation's document and all facts of the year, each day seeing only the days before it."""
    policy, rollup, state = read_policy(), fresh("departures", FIRST), CustomerState()
    facts: list[Fact] = []
    path = EXAMPLES / "contracts" / f"{airline}.yaml"
    contracts = (
        [Contract(f"{airline}-2013", [version_of(parse_terms(load_document(path)))])] if path.exists() else []
    )
    customer = Customer(
        airline,
        airline,
        "America/New_York",
        {"departures": rollup},
        {"departures": Meter(True, "flight")},
        contracts,
    )
    day = FIRST
    while day <= LAST:
        found = evaluate(Known(customer, day, None, policy), state)
        state, document = found.state, found.document
        facts += found.facts
        rollup.add(day, flown()[airline][day], Decimal(flown()[airline][day]))
        day += timedelta(days=1)
    return document, facts


@pytest.mark.parametrize(
    ("airline", "month_six", "end"),
    [
        ("VX", "deepening", "deepening"),
        ("FL", "steady", "drifting"),
        ("9E", "steady", "steady"),
        ("B6", "steady", "steady"),
        ("UA", "steady", "steady"),
        ("AA", "steady", "steady"),
        ("DL", "steady", "steady"),
        ("EV", "steady", "steady"),
        ("WN", "steady", "steady"),
        ("OO", "unknown", "steady"),
    ],
)
def test_trends(airline: str, month_six: str, end: str) -> None:
    """VX flew 315 in January and 480 in June; FL 324 in January and 208 in December. February is short and
    storms cancel: days count."""
    document, _facts = year_of(airline)
    assert (document["trend_month_six"]["trend"], document["trend"]["latched"]) == (month_six, end)


def test_a_trend_turns_once_and_does_not_flap() -> None:
    turns = {
        airline: [
            (fact.type, fact.day)
            for fact in year_of(airline)[1]
            if fact.type in ("customer.drifting", "customer.deepening")
        ]
        for airline in ("VX", "FL", "9E", "B6", "UA", "AA", "DL", "EV", "WN", "US", "MQ", "AS", "HA", "F9")
    }
    assert {airline: turn for airline, turn in turns.items() if turn} == {
        "VX": [("customer.deepening", date(2013, 5, 6))],
        "FL": [("customer.drifting", date(2013, 8, 19))],
    }


def test_oo_is_silent_fails_to_activate_and_is_at_risk_on_the_notice_day() -> None:
    _document, facts = year_of("OO")
    silent = [fact.data["last_seen_on"] for fact in facts if fact.type == "meter.silent"]
    assert "2013-01-30" in silent and "2013-09-24" in silent
    assert [fact.day for fact in facts if fact.type == "customer.activation.failed"] == [date(2013, 3, 2)]
    risky = next(fact for fact in facts if fact.type == "renewal.at_risk")
    assert risky.day == date(2013, 11, 2) and risky.data["reasons"][0]["reason"] == "silent_days"
    assert risky.data["reasons"][0]["number"] == "38", "whole days without a flight since 24 September"


def test_at_the_years_end_oo_and_fl_are_at_risk_and_nobody_else() -> None:
    """FL flew 324 times in January and 208 times in December: 27 % less in the last third of the year than in the first,
    and more than a quarter over the term is a risk by itself."""
    risks = {airline: shown_object(year_of(airline)[0])["risk"] for airline in sorted(flown())}
    assert {airline for airline, found in risks.items() if found["at_risk"]} == {"OO", "FL"}
    assert [reason["reason"] for reason in risks["FL"]["reasons"]] == ["trend_change"]
    assert round(Decimal(risks["FL"]["reasons"][0]["number"]) * 100) == -27
    told = [fact.type for fact in year_of("FL")[1] if fact.type.endswith(".at_risk")]
    assert told == ["customer.at_risk", "renewal.at_risk"]


@pytest.mark.parametrize("airline", ["AA", "B6", "DL", "F9", "HA", "MQ", "OO", "UA"])
def test_renewal_is_due_at_each_notice_step(airline: str) -> None:
    _document, facts = year_of(airline)
    assert [(fact.day, fact.data["step_days"]) for fact in facts if fact.type == "renewal.due"] == [
        (date(2013, 11, 2), 60),
        (date(2013, 12, 2), 30),
        (date(2013, 12, 25), 7),
    ]
    assert airline == "OO" or not [fact for fact in facts if fact.type == "renewal.at_risk"]


def test_daily_flyers_are_never_called_silent() -> None:
    for airline in ("UA", "B6", "DL", "AA", "EV", "MQ", "9E", "US", "WN", "VX"):
        assert not [fact for fact in year_of(airline)[1] if fact.type == "meter.silent"], airline
