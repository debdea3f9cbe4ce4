"""Eight airlines, twelve months: the invoices of the real year to the cent, from the quantities that were
flown."""

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from shared.pricing import PricedPeriod, VersionInForce, parse_terms, price_period, usage_needs
from shared.pricing.language import content_hash
from shared.values.money import format_minor

FIGURES: dict[str, dict[str, dict[str, Any]]] = json.loads(
    (Path(__file__).parent / "scenario.json").read_text()
)
TIERS_UA = [{"up_to": "1000", "unit": "150"}, {"up_to": "3000", "unit": "130"}, {"unit": "110"}]
TIERS_B6 = [{"up_to": "4000", "unit": "120"}, {"up_to": "4600", "unit": "115"}, {"unit": "108"}]
RATES_AA = [
    {"origin": "JFK", "unit": "160"},
    {"origin": "LGA", "unit": "170"},
    {"origin": "EWR", "unit": "150"},
]
PRICES: dict[str, dict[str, Any]] = {
    "UA": {"model": "graduated", "tiers": TIERS_UA},
    "B6": {"model": "volume", "tiers": TIERS_B6},
    "AA": {"model": "matrix", "dimensions": ["origin"], "rates": RATES_AA},
    "DL": {"model": "package", "size": "100", "price": "12000.00"},
    "MQ": {"model": "per_unit", "unit": "75.25"},
    "F9": {"model": "per_unit", "unit": "120.00"},
    "HA": {"model": "per_unit", "unit": "1000000"},
    "OO": {"model": "per_unit", "unit": "333.335"},
}


def contract(airline: str, **over: Any) -> dict[str, Any]:
    line = {
        "key": "departures",
        "kind": "usage",
        "meter": "tails" if airline == "HA" else "departures",
        "price": PRICES[airline],
    }
    fee = [{"key": "platform", "kind": "recurring", "amount": "25000.00"}] if airline == "UA" else []
    return {
        "contract": f"{airline}-2013",
        "customer": airline,
        "currency": "JPY" if airline == "HA" else "USD",
        "timezone": "America/New_York",
        "term": {"start": "2013-01-01", "months": 12},
        "lines": [*fee, line],
        "phases": [{"from": "2013-01-01", "minimum_spend": "160000.00"}] if airline == "MQ" else [],
        **over,
    }


def versions(airline: str) -> tuple[VersionInForce, ...]:
    documents = [contract(airline)]
    if airline == "F9":
        raised = {
            "key": "departures",
            "kind": "usage",
            "meter": "departures",
            "price": {"model": "per_unit", "unit": "135.00"},
        }
        documents.append(contract(airline, effective="2013-07-15", lines=[raised]))
    parsed = [parse_terms(document) for document in documents]
    return tuple(
        VersionInForce(number, terms.effective_at, terms, content_hash(terms))
        for number, terms in enumerate(parsed, start=1)
    )


def quantities(airline: str, figures: dict[str, Any]) -> list[dict[tuple[tuple[str, str], ...], Decimal]]:
    if airline == "AA":
        return [{(("origin", origin),): Decimal(flown) for origin, flown in figures["by_origin"].items()}]
    if "split" in figures:
        return [{(): Decimal(figures["split"]["before"])}, {(): Decimal(figures["split"]["after"])}]
    return [{(): Decimal(figures["unique_tails"] if airline == "HA" else figures["departures"])}]


def price_month(airline: str, month: int) -> PricedPeriod:
    chain = versions(airline)
    period = list(chain[0].terms.calendar.periods())[month - 1]
    usage = dict(
        zip(
            usage_needs(chain, period), quantities(airline, FIGURES[airline][f"2013-{month:02}"]), strict=True
        )
    )
    return price_period(chain, period, usage, explain=True)


@pytest.mark.parametrize("month", range(1, 13))
@pytest.mark.parametrize("airline", sorted(FIGURES))
def test_the_invoice_of_a_month_is_right_to_the_cent(airline: str, month: int) -> None:
    figures, priced = FIGURES[airline][f"2013-{month:02}"], price_month(airline, month)
    currency = versions(airline)[0].terms.money
    assert format_minor(priced.subtotal_minor, currency) == figures["invoice"]
    line = next(line for line in priced.lines if line.key == "departures")
    assert line.quantity == Decimal(figures.get("unique_tails", figures["departures"]))
    assert sum(step.amount or 0 for step in priced.steps) == Decimal(figures["invoice"])


def test_the_year_has_twelve_periods_and_ends_with_the_term() -> None:
    periods = list(versions("UA")[0].terms.calendar.periods())
    assert [period.start_date.month for period in periods] == list(range(1, 13))
    assert str(periods[-1].end_date) == "2013-12-31"


def test_an_amendment_prices_each_flight_by_its_own_time() -> None:
    (line,) = price_month("F9", 7).lines
    assert [(segment.version, int(segment.quantity), int(segment.exact)) for segment in line.segments] == [
        (1, 26, 3120),
        (2, 32, 4320),
    ]
    assert line.segments[1].start.isoformat() == "2013-07-15T04:00:00+00:00"


def test_a_month_below_the_minimum_gets_a_top_up_line() -> None:
    usage, minimum = price_month("MQ", 2).lines
    assert (usage.amount_minor, minimum.kind, minimum.amount_minor) == (14327600, "minimum", 1672400)
