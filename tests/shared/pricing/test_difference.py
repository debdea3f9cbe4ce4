"""A document asks for the period as it is priced then, less what its earlier documents asked for."""

from collections import Counter
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from shared.pricing import price_period
from tests.shared.pricing.contracts import JANUARY, chain, terms, usage_line, usage_of

FEE = {"key": "fee", "kind": "recurring", "amount": "31.00"}
MINIMUM = [{"from": "2026-01-01", "minimum_spend": "100"}]
VERSIONS = chain(terms(lines=[usage_line(), FEE], phases=MINIMUM))


def test_the_first_document_asks_for_every_line_that_comes_to_anything() -> None:
    priced = price_period(VERSIONS, JANUARY, usage_of(VERSIONS, 0))
    fee, api, top_up = priced.lines
    assert api.amount_minor == 0
    assert priced.difference == {fee.line_id: 3100, top_up.line_id: 6900}


def test_a_line_that_is_gone_is_taken_back_and_one_that_did_not_change_is_not_asked_for_again() -> None:
    before = price_period(VERSIONS, JANUARY, usage_of(VERSIONS, 10))
    now = price_period(VERSIONS, JANUARY, usage_of(VERSIONS, 100), before=before.difference)
    fee, api, top_up = (line.line_id for line in before.lines)
    assert fee not in now.difference and now.difference == {api: 9000, top_up: -5900}


def test_what_was_asked_for_is_taken_back_where_nothing_is_in_force_any_more() -> None:
    later = chain(terms(effective="2026-03-01"))
    assert price_period(later, JANUARY, {}, before={"line": 100}).difference == {"line": -100}


@given(usage=st.lists(st.decimals(min_value=0, max_value=500, places=2), min_size=1, max_size=6))
def test_the_documents_of_a_period_sum_to_its_last_pricing(usage: list[Decimal]) -> None:
    asked: Counter[str] = Counter()
    for quantity in usage:
        priced = price_period(VERSIONS, JANUARY, usage_of(VERSIONS, str(quantity)), before=dict(asked))
        asked.update(priced.difference)
        assert sum(asked.values()) == priced.subtotal_minor
        assert {name: minor for name, minor in asked.items() if minor} == {
            line.line_id: line.amount_minor for line in priced.lines if line.amount_minor
        }
