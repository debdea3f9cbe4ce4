"""Steps are data: each can be worked out again from what it says, and its words are made from the same."""

from decimal import Decimal
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.pricing import Step, text_of
from shared.pricing.explanation import Op
from shared.pricing.explanation.words import WORDS
from shared.values.decimals import EXACT
from shared.values.money import Rounding, currency, settle, share
from tests.shared.pricing.contracts import chain, price, terms, usage_line
from tests.shared.pricing.prices import PRICES

quantities = st.decimals(min_value=-100, max_value=10_000, places=3)
prices = st.one_of(*PRICES.values())


def again(step: Step) -> Decimal:
    """What the step comes to, from its inputs alone. What was counted is said elsewhere."""
    number = step.number
    match step.op:
        case "allowance":
            return number("priced") - number("counted")
        case "fee":
            days, whole_days, before = step.inputs["days"], step.inputs["whole_days"], number("before")
            assert isinstance(days, int) and isinstance(whole_days, int)
            so_far = before + number("fee") * days
            return EXACT.subtract(share(so_far, 1, whole_days), share(before, 1, whole_days))
        case "price":
            return _priced(step)
        case "before":
            return -_priced(step)
        case "settle":
            to, mode = currency(str(step.inputs["currency"])), Rounding(str(step.inputs["rounding"]))
            return settle(number("exact"), to, mode).to_decimal()
        case "line_minimum" | "line_maximum":
            whole_days = step.inputs["whole_days"]
            assert isinstance(whole_days, int)
            return EXACT.subtract(share(number("amount_days"), 1, whole_days), number("charged"))
        case "minimum":
            return number("minimum") - number("charged")
    return step.output


def _priced(step: Step) -> Decimal:
    due = step.number("count") * step.number("at") + step.number("flat")
    return min(due, step.number("cap")) if "cap" in step.inputs else due


@given(old=prices, new=prices, before=quantities, after=quantities, included=st.integers(0, 500))
def test_every_step_is_worked_out_again_from_what_it_says(
    old: dict[str, Any], new: dict[str, Any], before: Decimal, after: Decimal, included: int
) -> None:
    fee = {"key": "fee", "kind": "recurring", "amount": "33.33"}
    phases = [{"from": "2026-01-08", "minimum_spend": "10000000000"}]
    versions = chain(
        terms(lines=[usage_line(old, included=included), fee], phases=phases),
        terms(lines=[usage_line(new, included=included)], phases=phases, effective="2026-01-20"),
    )
    one_segment = versions[0].terms.lines[0].hash == versions[1].terms.lines[0].hash
    priced = price(versions, *([str(before)] if one_segment else [str(before), str(after)]))
    assert {step.op for step in priced.steps} >= {"quantity", "fee", "settle", "minimum"}
    for step in priced.steps:
        assert again(step) == step.output, step
        assert step.amount is None or step.op == "settle" or step.amount == step.output
        assert text_of(step)
    lines = {line.clause_id: line.amount_minor for line in priced.lines}
    for clause, minor in lines.items():
        amounts = [step.amount or 0 for step in priced.steps if step.clause == clause]
        assert sum(amounts) == Decimal(minor).scaleb(-2)


TIERS = [{"up_to": "10", "unit": "2"}, {"unit": "1.50", "flat": "5"}]
REGIONS = {"model": "matrix", "dimensions": ["region"], "rates": [{"unit": "1"}]}
PRICES_SAID: list[tuple[dict[str, Any], str, list[str]]] = [
    ({"model": "per_unit", "unit": "0.50"}, "3", ["calls: 3 under version 1", "3 at 0.5"]),
    ({"model": "graduated", "tiers": TIERS}, "12", ["up to 10: 10 at 2", "beyond: 2 at 1.5 plus 5"]),
    ({"model": "volume", "tiers": TIERS}, "3", ["3 at 2, the tier up to 10"]),
    ({"model": "volume", "tiers": TIERS}, "12", ["12 at 1.5 plus 5, the last tier"]),
    ({"model": "package", "size": "100", "price": "9.00"}, "101", ["2 packs of 100 at 9"]),
    ({"model": "per_unit", "unit": "0.335"}, "1", ["0.335 rounded half up to 0.34 USD"]),
    ({"model": "per_unit", "unit": "1"}, "-5", ["5 below zero: negative quantity carried"]),
    (REGIONS, "0", ["calls: 0 under version 1", "0 rounded half up to 0.00 USD"]),
]


@pytest.mark.parametrize(("written", "quantity", "said"), PRICES_SAID)
def test_the_words_of_a_price(written: dict[str, Any], quantity: str, said: list[str]) -> None:
    words = [text_of(step) for step in price(chain(terms(lines=[usage_line(written)])), quantity).steps]
    assert [text for text in words if text in said] == said


def test_the_words_of_everything_else() -> None:
    fee = {"key": "fee", "kind": "recurring", "amount": "31.00"}
    tiers = {"model": "graduated", "tiers": [{"unit": "1", "flat": "10"}]}
    phases = [{"from": "2026-01-01", "minimum_spend": "100.00"}]
    versions = chain(
        terms(lines=[usage_line(tiers, included="2"), fee], phases=phases),
        terms(
            lines=[usage_line({**tiers, "tiers": [{"unit": "2"}]}, included="2")],
            phases=phases,
            effective="2026-01-16",
        ),
    )
    steps = price(versions, "5", "7").steps
    assert [text_of(step) for step in steps] == [
        "31 × 15 of 31 days",
        "15 rounded half up to 15.00 USD",
        "calls: 5 under version 1",
        "5 used, 2 included or carried",
        "beyond: 3 at 1 plus 10",
        "calls: 7 under version 2",
        "beyond: 10 at 2",
        "less beyond: 3 at 2, before the change",
        "27 rounded half up to 27.00 USD",
        "top-up to the minimum of 100.00 USD",
    ]


def test_every_operation_has_words() -> None:
    assert WORDS.keys() == set(get_args(Op))
