"""What holds for whole contracts, whatever they agree on and however they are used. Run as a file it says how often each
model, kind of line and stage occurred, and each did often enough."""

import random
from collections import Counter
from collections.abc import Iterator
from decimal import Decimal, localcontext
from itertools import pairwise
from typing import Any, get_args

import pytest
from hypothesis import HealthCheck, Phase, assume, given, settings
from hypothesis import strategies as st
from pydantic import BaseModel

from shared.pricing import PricedPeriod, Terms, parse_terms
from shared.pricing.explanation.step import Op
from shared.pricing.language import content_hash, to_document
from shared.pricing.lines import KINDS, PRICED_KINDS, OneOffLine, RecurringLine, UsageLine
from shared.pricing.results import LineAsked
from shared.pricing.steps.difference import difference
from shared.values.decimals import EXACT
from shared.values.money import to_decimal
from tests.conftest import FULL_EXAMPLES
from tests.shared.pricing.agreements import (
    FRAME,
    NAMES,
    ONE_OFF,
    RECURRING,
    SECTIONS,
    USAGE,
    Agreement,
    agreements,
    seen,
)
from tests.shared.pricing.prices import MODELS

pytestmark = pytest.mark.long
OFTEN = 50
FULL = settings.get_current_profile_name() == "full"
often = settings(
    # A run by hand once in a while tries more, and others each time: how often each occurs is then chance. What is drawn also
    # follows the constants of the modules that are loaded, so what is rare has room: of 150 a cap occurred 39 or 86 times.
    max_examples=FULL_EXAMPLES if FULL else 300,
    derandomize=not FULL,
    suppress_health_check=list(HealthCheck),
    deadline=None,
    phases=[Phase.generate],
)
occurred: Counter[str] = Counter()
#: Steps of documents that no period's pricing makes, and of units that corrections hand on or that are below zero (`test_negative.py`).
ELSEWHERE = {"part", "cost", "asked", "handed_on", "credit"}


def priced(agreement: Agreement) -> list[PricedPeriod]:
    """Price it, and note what occurred."""
    found = agreement.priced()
    occurred.update(seen(agreement, found))
    return found


def figures(periods: list[PricedPeriod]) -> list[Any]:
    return [
        (one.lines, one.subtotal_minor, one.total_minor, one.draws, one.closing, one.changes)
        for one in periods
    ]


@often
@given(agreement=agreements(), rng=st.randoms(use_true_random=False))
def test_neither_order_nor_repetition_of_usage_changes_anything(
    agreement: Agreement, rng: random.Random
) -> None:
    events = [one.event(str(n)) for n, one in enumerate(agreement.used)]
    again = [*events, *events[::2]]
    rng.shuffle(again)
    assert figures(agreement.priced(again)) == figures(priced(agreement))


@often
@given(agreement=agreements(), part=st.decimals("0.01", "0.99", places=2))
def test_splitting_usage_changes_nothing(agreement: Agreement, part: Decimal) -> None:
    halves = [
        piece.event(f"{n}-{half}")
        for n, one in enumerate(agreement.used)
        for half, piece in enumerate(_split(one, part))
    ]
    assert figures(agreement.priced(halves)) == figures(priced(agreement))


def _split(one: Any, part: Decimal) -> Iterator[Any]:
    first = one.quantity * part
    for quantity in (first, one.quantity - first):
        yield type(one)(one.meter, one.hour, quantity, one.group)


@often
@given(agreement=agreements(), cuts=st.lists(st.integers(1, 30), max_size=4))
def test_documents_of_a_period_sum_to_its_last_pricing(agreement: Agreement, cuts: list[int]) -> None:
    """Priced as usage grows, each time less what the documents before ask for."""
    whole = priced(agreement)[0]
    asked: dict[str, LineAsked] = {}
    known = sorted(agreement.used, key=lambda one: one.hour)
    for count in [*sorted(cuts), len(known)]:
        now = agreement.priced([one.event(str(n)) for n, one in enumerate(known[:count])])[0]
        for name, more in difference(now.lines, asked).items():
            amount, units = asked.get(name, LineAsked(0, Decimal(0)))
            asked[name] = LineAsked(amount + more.amount_minor, units + more.quantity)
    assert {name: line for name, line in asked.items() if line.amount_minor or line.quantity} == {
        line.line_id: LineAsked(line.amount_minor, line.quantity)
        for line in whole.lines
        if line.amount_minor or line.quantity
    }


@often
@given(agreement=agreements())
def test_no_instant_is_priced_twice_or_not_at_all(agreement: Agreement) -> None:
    """Groups aside, the segments of a usage line follow each other without gap, and hold all that was counted."""
    for period in priced(agreement):
        for line in period.lines:
            spans = sorted({(segment.start, segment.end) for segment in line.segments})
            assert all(one[1] <= other[0] for one, other in pairwise(spans)), line.key
            assert all(
                segment.units == segment.allowance + segment.priced + segment.unpriced
                for segment in line.segments
            )
            if line.kind == "usage":
                assert line.quantity == sum(segment.quantity for segment in line.segments)
    counted = sum(
        line.quantity for period in agreement.priced() for line in period.lines if line.kind == "usage"
    )
    assert counted == sum(one.quantity for one in agreement.used)


@pytest.mark.parametrize("name", sorted(MODELS))
def test_every_unit_is_in_one_tier_at_and_beside_each_bound(name: str) -> None:
    """Of the models with bounds: the parts of a price hold all of its units, none twice."""
    example = dict(MODELS[name].example)
    price = _model(example)
    bounds = {Decimal(tier["up_to"]) for tier in example.get("tiers", ()) if "up_to" in tier}
    bounds |= {Decimal(example["size"])} if "size" in example else set()
    if name == "flat":
        return
    for bound in bounds | {Decimal(0), Decimal(1000)}:
        for quantity in (bound, bound + Decimal("0.000001"), max(bound - Decimal("0.000001"), Decimal(0))):
            parts = price.parts(quantity)
            assert sum(part.quantity for part in parts) == quantity, quantity
            assert sum(part.amount for part in parts) == price.cost(quantity)


def _model(example: dict[str, Any]) -> Any:
    price = UsageLine.model_validate({"key": "k", "kind": "usage", "meter": "m", "price": example}).price
    return price.for_group(tuple((name, "JFK") for name in price.dimensions))


def _may_cost_less(document: dict[str, Any]) -> bool:
    """The named exceptions. By volume, and in blocks that all cost as the top tier does, one unit more makes the others
    cheaper. Below a minimum, what usage brings is what the minimum lacks: so a discount of usage that is measured after
    it, or of which more falls on a line that has a minimum, takes more, and a commitment is less short. So it is at a
    cap: what it leaves of the lines is shared out anew, and more of it may count towards a commitment."""
    lines = document["lines"]
    bounded, discounted = any("minimum" in line for line in lines), bool(document.get("discounts"))
    prices = [line["price"] for line in lines if "price" in line]
    return (
        any(price["model"] == "volume" or price.get("charge") == "top_tier" for price in prices)
        or (bounded and discounted)
        or bool((document.get("phases") or document.get("cap")) and document["commitments"])
    )


@often
@given(agreement=agreements(), data=st.data())
def test_more_usage_never_costs_less(agreement: Agreement, data: st.DataObject) -> None:
    """A cent a line is left to discounts: an amount that is split anew leaves other fractions to be rounded."""
    assume(agreement.used and not any(map(_may_cost_less, agreement.documents)))
    index = data.draw(st.integers(0, len(agreement.used) - 1))
    more = list(agreement.used)
    one = more[index]
    more[index] = type(one)(one.meter, one.hour, one.quantity + data.draw(st.integers(1, 500)), one.group)
    before, after = priced(agreement), priced(Agreement(agreement.documents, tuple(more)))
    slack = sum(len(period.lines) for period in after)
    assert sum(period.subtotal_minor for period in before) <= sum(
        period.subtotal_minor for period in after
    ) + (slack if any("discounts" in one for one in agreement.documents) else 0)


@often
@given(agreement=agreements())
def test_the_steps_of_a_line_sum_to_its_charge(agreement: Agreement) -> None:
    to = agreement.newest.money
    for period in priced(agreement):
        assert period.subtotal_minor == sum(line.amount_minor for line in period.lines)
        for line in period.lines:
            steps = period.explanation[line.line_id]
            with localcontext(EXACT):
                assert sum(step.amount or 0 for step in steps) == to_decimal(line.amount_minor, to), line.key


@often
@given(agreement=agreements())
def test_what_is_drawn_is_conserved(agreement: Agreement) -> None:
    """No block pays more than it was granted, nor a line more than it comes to; what was granted is drawn or left."""
    drawn: Counter[str] = Counter()
    for period in priced(agreement):
        paid: Counter[str] = Counter()
        for one in period.draws:
            paid[one.line_id] += one.amount_minor
            drawn[one.block] += one.amount_minor
        amounts = {line.line_id: line.amount_minor for line in period.lines}
        assert all(0 <= minor <= max(amounts[name], 0) for name, minor in paid.items())
        assert period.total_minor == period.subtotal_minor - paid.total()
        for block in period.blocks:
            assert 0 <= period.left[block.id] == block.amount_minor - drawn[block.id], block.key
        for change in period.changes:
            granted = change.kind == "granted"
            assert change.amount_minor > 0 and (granted or change.amount_minor <= period.left[change.block])


@often
@given(agreement=agreements())
def test_an_absent_term_and_its_default_written_out_give_one_digest(agreement: Agreement) -> None:
    """The document of parsed terms has every default written out."""
    for version in agreement.versions:
        written_out = to_document(version.terms)
        again = parse_terms(written_out)
        assert content_hash(again) == content_hash(version.terms)
        assert [line.hash for line in again.lines] == [line.hash for line in version.terms.lines]


def test_every_clause_that_changes_a_figure_is_drawn() -> None:
    assert Terms.model_fields.keys() == SECTIONS.keys() | (Terms.model_fields.keys() & NAMES) | FRAME
    assert _own(UsageLine) == USAGE.keys() and _own(RecurringLine) == RECURRING.keys()
    assert _own(OneOffLine) == ONE_OFF.keys() and KINDS.keys() == {"usage", "recurring", "one_off"}


def _own(kind: type[BaseModel]) -> set[str]:
    return {one.alias or name for name, one in kind.model_fields.items()} - NAMES


def test_each_occurred_often(record_property: Any) -> None:
    """The last of the file: what the laws above were tried on."""
    if not occurred:
        pytest.skip("the laws did not run")
    expected = [
        *(f"model {name}" for name in MODELS),
        *(f"line {kind}" for kind in PRICED_KINDS),
        *(f"step {op}" for op in get_args(Op) if op not in ELSEWHERE),
    ]
    for name in expected:
        record_property(name, occurred[name])
        print(f"{occurred[name]:6} {name}")
    assert not [name for name in expected if occurred[name] < OFTEN]
