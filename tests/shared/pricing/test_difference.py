"""A document asks for the period as it is priced then, less what its earlier documents asked for."""

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from shared.pricing import price_period
from shared.pricing.facts import Facts
from shared.pricing.results import LineAsked
from tests.shared.pricing.contracts import JANUARY, chain, terms, usage_line, usage_of

FEE = {"key": "fee", "kind": "recurring", "amount": "31.00"}
MINIMUM = [{"from": "2026-01-01", "minimum_spend": "100"}]
ONE = Decimal(1)
VERSIONS = chain(terms(lines=[usage_line(), FEE], phases=MINIMUM))


def test_the_first_document_asks_for_every_line_that_comes_to_anything() -> None:
    priced = price_period(VERSIONS, JANUARY, usage_of(VERSIONS, 0))
    fee, api, top_up = priced.lines
    assert api.amount_minor == 0
    assert priced.difference == {
        fee.line_id: LineAsked(3100, ONE),
        top_up.line_id: LineAsked(6900, ONE),
    }


def test_a_line_that_is_gone_is_taken_back_and_one_that_did_not_change_is_not_asked_for_again() -> None:
    before = price_period(VERSIONS, JANUARY, usage_of(VERSIONS, 10))
    now = price_period(VERSIONS, JANUARY, usage_of(VERSIONS, 100), facts=Facts(before.difference))
    fee, api, top_up = (line.line_id for line in before.lines)
    assert fee not in now.difference and now.difference == {
        api: LineAsked(9000, Decimal(90)),
        top_up: LineAsked(-5900, -ONE),
    }


def test_what_was_asked_for_is_taken_back_where_nothing_is_in_force_any_more() -> None:
    later = chain(terms(effective="2026-03-01"))
    before = {"line": LineAsked(100, Decimal(2))}
    assert price_period(later, JANUARY, {}, facts=Facts(before)).difference == {
        "line": LineAsked(-100, Decimal(-2))
    }


def test_units_that_cost_nothing_are_a_difference_too() -> None:
    free = chain(terms(lines=[usage_line(included="1000")]))
    first = price_period(free, JANUARY, usage_of(free, 10))
    later = price_period(free, JANUARY, usage_of(free, 14), facts=Facts(first.difference))
    assert later.difference == {later.lines[0].line_id: LineAsked(0, Decimal(4))}


@given(usage=st.lists(st.decimals(min_value=0, max_value=500, places=2), min_size=1, max_size=6))
def test_the_documents_of_a_period_sum_to_its_last_pricing(usage: list[Decimal]) -> None:
    asked: dict[str, LineAsked] = {}
    for quantity in usage:
        priced = price_period(VERSIONS, JANUARY, usage_of(VERSIONS, str(quantity)), facts=Facts(dict(asked)))
        for name, more in priced.difference.items():
            amount, units = asked.get(name, (0, 0))
            asked[name] = LineAsked(amount + more.amount_minor, units + more.quantity)
        assert sum(line.amount_minor for line in asked.values()) == priced.subtotal_minor
        assert {name: line for name, line in asked.items() if any(line)} == {
            line.line_id: (line.amount_minor, line.quantity)
            for line in priced.lines
            if line.amount_minor or line.quantity
        }
