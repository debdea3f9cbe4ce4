"""Meters that are used together: who moves from one to another has not fallen, unless the other is worth less."""

from collections.abc import Mapping
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

from services.signals.domain.customer_day import Contract, Customer, Found, Known, Meter
from services.signals.domain.evaluation import evaluate
from services.signals.domain.marginal_price import marginal_prices
from services.signals.domain.rollup import DAYS_MAX, Rollup, fresh
from services.signals.domain.shown import shown_object
from services.signals.domain.state import CustomerState, UseDays
from services.signals.domain.steps.odds import SETTLED_DAYS, count_days
from services.signals.domain.together import use_together
from services.signals.settings import read_policy
from tests.services.signals.contracts import calls_line, contract

FIRST, MOVED, DAY = date(2024, 1, 1), date(2024, 6, 3), date(2024, 8, 5)
METERS = {
    "calls": Meter(True, "call"),
    "jobs": Meter(True, "job"),
    "seats": Meter(False, "seat"),
    "logins": Meter(True, "login", "login"),
}
#: A hundred calls a day until June, then a hundred jobs instead.
MOVE = {"calls": (100, FIRST, MOVED), "jobs": (100, MOVED, DAY)}


def priced(**units: str) -> Contract:
    """Meter → the price of a unit."""
    lines = [
        calls_line(meter, meter=meter, price={"model": "per_unit", "unit": unit})
        for meter, unit in units.items()
    ]
    return contract(lines=lines)


def used(spans: Mapping[str, tuple[int, date, date]], until: date = DAY) -> dict[str, Rollup]:
    """Meter → so many events on each day of a span, as they were heard by a day."""
    rollups = {meter: fresh(meter, first) for meter, (_, first, _) in spans.items() if first < until}
    for meter, (events, first, end) in spans.items():
        for number in range((min(end, until) - first).days):
            rollups[meter].add(first + timedelta(days=number), events, Decimal(events))
    return rollups


def known(spans: Mapping[str, tuple[int, date, date]], *contracts: Contract, day: date = DAY) -> Known:
    customer = Customer("cus_1", "acme", "UTC", used(spans, day), METERS, contracts)
    return Known(customer, day, None, read_policy())


def evaluated(spans: Mapping[str, tuple[int, date, date]], *contracts: Contract) -> Found:
    return evaluate(known(spans, *contracts), CustomerState(known_on=FIRST, first_on=FIRST))


def reasons(found: Found) -> set[str]:
    return {reason["reason"] for reason in shown_object(found.document)["risk"]["reasons"]}


def test_a_move_to_a_meter_of_the_same_price_is_no_fall() -> None:
    found = evaluated(MOVE, priced(calls="0.02", jobs="0.02"))
    document = shown_object(found.document)
    assert Decimal(document["p_fall"]) < Decimal("0.01")
    assert document["weighed_by"] == {"currency": "USD", "meters": {"calls": "0.02", "jobs": "0.02"}}
    assert not reasons(found) & {"trend_change", "recent_change"}
    alone = evaluated({"calls": MOVE["calls"]}, priced(calls="0.02", jobs="0.02"))
    assert Decimal(shown_object(alone.document)["p_fall"]) > Decimal("0.5"), "without the jobs it is one"
    assert reasons(alone) & {"silent_days", "recent_change"}
    assert "weighed_by" not in alone.document


def test_a_move_to_a_meter_that_is_worth_a_tenth_is_one() -> None:
    moved = {"calls": (100, FIRST, DAY - timedelta(28)), "jobs": (100, DAY - timedelta(28), DAY)}
    found = evaluated(moved, priced(calls="0.20", jobs="0.02"))
    assert Decimal(shown_object(found.document)["p_fall"]) > Decimal("0.99")
    assert "recent_change" in reasons(found)
    even = evaluated(moved, priced(calls="0.02", jobs="0.02"))
    assert Decimal(shown_object(even.document)["p_fall"]) < Decimal("0.01")


def test_a_meter_that_is_new_does_not_make_what_was_before_it_unknown() -> None:
    """Calls fall by nine tenths, and somebody tries jobs once: sixteen weeks are known all the same."""
    spans = {"calls": (100, FIRST, DAY - timedelta(28)), "jobs": (1, DAY - timedelta(1), DAY)}
    found = use_together(known(spans), None)
    assert {rollup.gone_on is None for rollup, _ in found.weighs} == {True, False}
    assert Decimal(shown_object(evaluated(spans).document)["p_fall"]) > Decimal("0.99")


def test_without_prices_every_event_counts_alike_and_it_is_not_said_that_they_were_weighed() -> None:
    found = evaluated(MOVE)
    assert "weighed_by" not in found.document and Decimal(shown_object(found.document)["p_fall"]) < Decimal(
        "0.01"
    )
    logins = evaluated({**MOVE, "logins": (9_000, FIRST, MOVED)})
    assert logins.document["p_fall"] == found.document["p_fall"], "who logs in uses nothing by that"


def test_what_is_added_up_varies_as_counts_do_and_one_meter_is_its_own_count() -> None:
    two = use_together(
        known({"calls": (90, FIRST, DAY), "jobs": (10, FIRST, DAY)}, priced(calls="1", jobs="5")), None
    )
    days = two.days_between(DAY - timedelta(days=7), DAY)
    # 90 × 1 + 10 × 5 a day, whose variance is 90 × 1² + 10 × 5²: as of 57.65 counted events
    assert days == pytest.approx([140 * 140 / 340] * 7)
    weeks = two.weeks()
    assert weeks is not None and set(weeks.weeks) == {round(7 * 140 * 140 / 340)}
    one = known({"calls": (90, FIRST, DAY)}, priced(calls="1"))
    assert use_together(one, one.customer.rollups["calls"]).weeks() is one.customer.rollups["calls"]


@pytest.mark.parametrize(
    ("line", "price"),
    [
        ({"price": {"model": "per_unit", "unit": "0.02"}}, "0.02"),
        ({"price": {"model": "per_unit", "unit": "0.02"}, "included": "10000"}, "0"),
        ({"price": {"model": "per_unit", "unit": "3"}, "convert": {"divide": "10"}}, "0.3"),
        ({"price": {"model": "graduated", "tiers": [{"up_to": "1000", "unit": "5"}, {"unit": "2"}]}}, "2"),
        ({"price": {"model": "package", "size": "100", "price": "9.00"}}, "0.0887671"),
        ({"price": {"model": "flat", "amount": "900"}}, "0"),
    ],
)
def test_the_price_of_a_unit_more_is_that_of_a_month_like_the_last(line: dict[str, Any], price: str) -> None:
    """3,042 calls a month: a tenth more is 304 of them."""
    agreed = contract(lines=[calls_line(**line)])
    found = marginal_prices(known({"calls": (100, FIRST, DAY)}, agreed), ["calls"])
    assert found is not None and found.currency == "USD"
    assert found.meters["calls"].quantize(Decimal("0.0000001")) == Decimal(price)


def test_prices_that_cannot_be_compared_weigh_nothing() -> None:
    spans = {"calls": (5, FIRST, DAY), "seats": (5, FIRST, DAY)}
    of_unique = priced(calls="1", seats="1")
    assert marginal_prices(known(spans, of_unique), spans) is None, "days of a unique meter do not add up"
    other = Contract("acme-eu", contract(currency="EUR", lines=[calls_line("jobs", meter="jobs")]).versions)
    two = {"calls": (5, FIRST, DAY), "jobs": (5, FIRST, DAY)}
    assert marginal_prices(known(two, priced(calls="1"), other), two) is None, "currencies are never compared"
    assert marginal_prices(known(two), two) is None, "no contract"


def test_days_of_use_are_counted_over_years_of_which_a_few_months_are_kept() -> None:
    """Every other day for five hundred days: a silence of ten is far beyond the rhythm, and a void of late is heard."""
    rollup, counted = fresh("calls", FIRST), None
    for number in range(500):
        day = FIRST + timedelta(days=number)
        customer = Customer("cus_1", "acme", "UTC", {"calls": rollup}, METERS, [])
        counted = count_days(Known(customer, day, None, read_policy()), counted, frozenset())
        if number % 2 == 0:
            rollup.add(day, 3, Decimal(3))
    assert len(rollup.days) == DAYS_MAX
    until = FIRST + timedelta(days=499 - SETTLED_DAYS)
    assert counted == UseDays(FIRST, until, -(-(until - FIRST).days // 2))
    day = FIRST + timedelta(days=499 + 10)
    silent = Customer("cus_1", "acme", "UTC", {"calls": rollup}, METERS, [])
    document = evaluate(Known(silent, day, None, read_policy()), CustomerState(use_days=counted)).document
    assert document["p_gone"] == "0.9926", "1 − exp(−10 × 250 ÷ 509)"


def test_who_never_used_anything_has_no_probability() -> None:
    document = evaluated({}).document
    assert not {"p_fall", "p_gone", "score_p"} & document.keys()
