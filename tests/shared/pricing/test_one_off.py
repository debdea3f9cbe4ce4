"""One-off charges: due once, on their day, whole."""

from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.pricing import TermsInvalid, check_amendment, text_of
from shared.values.period import period_between
from tests.shared.pricing.contracts import amounts, chain, price, terms, usage_line

FEBRUARY = period_between(date(2026, 2, 1), date(2026, 3, 1), "UTC")


def setup(on: str, amount: str = "500.00", **over: Any) -> dict[str, Any]:
    return {"key": "setup", "kind": "one_off", "amount": amount, "date": on, **over}


def faults(call: Any, *args: Any, **over: Any) -> dict[str, str]:
    with pytest.raises(TermsInvalid) as refused:
        call(*args, **over)
    return {error["path"]: error["code"] for error in refused.value.errors}


@pytest.mark.parametrize("day", ["2026-01-01", "2026-01-31"])
def test_it_is_a_line_of_the_period_of_its_day_alone_and_never_prorated(day: str) -> None:
    stub = period_between(date(2026, 1, 1), date(2026, 2, 1), "UTC", whole_days=62)
    versions = chain(terms(lines=[usage_line(), setup(day)]))
    assert amounts(price(versions, "1", period=stub)) == {"api": 100, "setup": 50000}
    assert amounts(price(versions, "1", period=FEBRUARY)) == {"api": 100}
    steps = [text_of(step) for step in price(versions, "1").steps]
    assert any(text.startswith("500") for text in steps)


def test_it_is_due_by_the_version_in_force_as_its_day_begins() -> None:
    """A change at noon of its day comes too late; one at midnight does not."""
    signed = terms(lines=[setup("2026-01-16")])
    for effective, cents in (("2026-01-16T12:00:00Z", 50000), ("2026-01-16", 9900)):
        amended = terms(lines=[setup("2026-01-16", "99.00")], effective=effective)
        assert amounts(price(chain(signed, amended))) == {"setup": cents}
    assert amounts(price(chain(signed, terms(effective="2026-01-17")), "1")) == {"api": 100, "setup": 50000}
    assert amounts(price(chain(signed, terms(effective="2026-01-16")), "1")) == {"api": 100}


def test_neither_the_minimum_nor_the_cap_counts_it() -> None:
    phases = [{"from": "2026-01-01", "minimum_spend": "100", "cap": {"spend_per_period": "150"}}]
    versions = chain(terms(lines=[usage_line(), setup("2026-01-05")], phases=phases))
    assert amounts(price(versions, "40")) == {"api": 4000, "setup": 50000, "minimum_spend": 6000}
    assert amounts(price(versions, "200")) == {"api": 20000, "setup": 50000, "cap": -5000}


def test_discounts_and_credits_take_it_as_any_line() -> None:
    half = [{"key": "half", "percent": "50", "applies_to": ["setup"]}]
    credit = [{"key": "gift", "amount": "80", "expires": "2026-01-10"}]
    versions = chain(
        terms(lines=[setup("2026-01-05"), setup("2026-01-20", key="late")], discounts=half, credits=credit)
    )
    priced = price(versions)
    assert amounts(priced) == {"setup": 25000, "late": 50000}
    keys = {line.line_id: line.key for line in priced.lines}
    assert {keys[draw.line_id]: draw.amount_minor for draw in priced.draws} == {"setup": 8000}


def test_a_day_on_which_no_period_would_charge_it_is_refused() -> None:
    assert faults(terms, lines=[setup("2025-12-31")]) == {"lines[0].date": "outside_term"}
    assert faults(terms, lines=[setup("2028-01-01")]) == {"lines[0].date": "outside_term"}
    assert terms(lines=[setup("2028-01-01")], renewal={"auto": True}).lines
    signed, late = terms(), terms(lines=[setup("2026-01-15")], effective="2026-01-15T12:00:00Z")
    assert faults(check_amendment, signed, late) == {"lines[0].date": "due_before_effect"}
    check_amendment(signed, terms(lines=[setup("2026-01-16")], effective="2026-01-15T12:00:00Z"))
    kept = terms(lines=[setup("2026-01-15")], effective="2026-03-01")
    check_amendment(terms(lines=[setup("2026-01-15")]), kept)


@given(day=st.integers(1, 31), change=st.integers(2, 31), hour=st.sampled_from(["T00:00:00Z", "T13:00:00Z"]))
def test_a_version_that_keeps_it_charges_it_once(day: int, change: int, hour: str) -> None:
    lines = [setup(f"2026-01-{day:02}"), usage_line()]
    renamed = [*lines[:1], usage_line(description="renamed")]
    versions = chain(terms(lines=lines), terms(lines=renamed, effective=f"2026-01-{change:02}{hour}"))
    priced = price(versions, "1", "1")
    assert amounts(priced) == {"api": 200, "setup": 50000}
