"""Priced again with its own draws as facts, a period in which nothing changed draws as before: small contracts in whole
cents whose commitments, those that pay and those that only count, share lines."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from math import floor
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from shared.pricing import EMPTY, Group, PricedPeriod, Totals, price_period, usage_needs
from shared.pricing.blocks import Draw
from shared.pricing.facts import NO_FACTS, Facts
from tests.shared.pricing.contracts import JANUARY, chain, usage_line
from tests.shared.pricing.test_balances import CENT, agreed, on

Used = tuple[str, datetime, int]
Written = dict[str, Any]
KEYS = ("a", "b", "c")
#: They cost a few milliseconds each, and two contracts in a hundred have what is hard.
often = settings(max_examples=400, derandomize=True)


def priced(contract: Written, used: Sequence[Used], facts: Facts = NO_FACTS) -> PricedPeriod:
    """Price January: each line at a cent a unit."""
    known = chain(agreed(**contract))
    usage: dict[Totals, Mapping[Group, Decimal]] = {
        need: {
            (): Decimal(
                sum(units for key, at, units in used if key == need.line_key and need.start <= at < need.end)
            )
        }
        for need in usage_needs(known, JANUARY)
    }
    return price_period(known, JANUARY, usage, EMPTY, facts=facts, explain=True)


def again(contract: Written, used: Sequence[Used], before: PricedPeriod) -> PricedPeriod:
    return priced(contract, used, Facts(draws=before.draws))


def lines(count: int = 2, **over: Any) -> list[Written]:
    return [usage_line(CENT, key=key, meter=key, **over) for key in KEYS[:count]]


def prepaid(key: str, minor: int, **over: Any) -> Written:
    return {"key": key, "amount": f"{Decimal(minor) / 100}", "payment": "prepaid", "invoiced": "none", **over}


def postpaid(key: str, minor: int, **over: Any) -> Written:
    return {"key": key, "amount": f"{Decimal(minor) / 100}", **over}


def drawn(of: PricedPeriod) -> dict[tuple[str, str, datetime], int]:
    """Block, line and slice → what is drawn."""
    keys = {block.id: block.key for block in of.blocks} | {line.line_id: line.key for line in of.lines}
    found = Counter[tuple[str, str, datetime]]()
    for one in of.draws:
        found[keys[one.block], keys.get(one.line_id, ""), one.slice_start] += one.amount_minor
    return {place: minor for place, minor in found.items() if minor}


def by_line(draws: Sequence[Draw]) -> Counter[str]:
    found = Counter[str]()
    for one in draws:
        found[one.line_id] += one.amount_minor
    return found


def same(one: PricedPeriod, other: PricedPeriod) -> bool:
    """Whether all that documents and the next period have of them is the same."""
    return (drawn(one), one.lines, one.closing, one.changes, one.left) == (
        drawn(other),
        other.lines,
        other.closing,
        other.changes,
        other.left,
    )


def test_what_only_counts_is_split_as_before_beside_what_a_prepaid_one_paid() -> None:
    """60 that count are 30 of each line, and the prepaid one pays the other 30 of a. It paid 40 when priced again, as 60
    were split over what it had left: 20 of a, and 40 of b."""
    promises = [postpaid("counts", 60, spread="pro_rata"), prepaid("pays", 100, applies_to=["a"])]
    contract = {"lines": lines(), "commitments": promises}
    used = [("a", on(1, 5), 60), ("b", on(1, 5), 60)]
    first = priced(contract, used)
    assert drawn(first) == {("pays", "a", JANUARY.start): 30}
    assert same(again(contract, used, first), first)
    rose = again(contract, [*used, ("b", on(1, 6), 60)], first)
    assert drawn(rose) == {("pays", "a", JANUARY.start): 40}, (
        "20 of a count beside 40 of b, as if priced first"
    )


def test_a_line_that_a_cap_takes_from_is_not_paid_beyond_what_is_left() -> None:
    """A gift pays 20 of a; then 60 more of it come, and 100 of b where a block begins, and the cap leaves 50 of each. The
    commitment that others gave back pays 80 of a until then, and 30 beside the gift in the end."""
    early = {"key": "early", "amount": "0.01", "effective": "2026-01-20", "applies_to": ["c"]}
    gift = {"key": "gift", "amount": "0.20", "applies_to": ["a"]}
    contract: Written = {
        "lines": lines(3),
        "commitments": [prepaid("pays", 200, applies_to=["a"])],
        "credits": [gift, early],
        "cap": {"spend_per_period": "1"},
    }
    used = [("a", on(1, 5), 20)]
    by_gift = tuple(priced({**contract, "commitments": []}, used).draws)
    corrected = priced(contract, [("a", on(1, 5), 100), ("b", on(1, 25), 100)], Facts(draws=by_gift))
    assert drawn(corrected) == {("gift", "a", JANUARY.start): 20, ("pays", "a", JANUARY.start): 30}
    assert conserves(corrected)


def test_a_line_below_zero_rises_to_nothing_unpaid() -> None:
    """60 are credited, 100 come where a block begins: the line is 40, and 40 are paid. All 100 were."""
    gift = {"key": "gift", "amount": "0.01", "effective": "2026-01-20", "applies_to": ["b"]}
    contract = {
        "lines": lines(2, negative="credit"),
        "commitments": [prepaid("pays", 200)],
        "credits": [gift],
    }
    first = priced(contract, [("a", on(1, 5), -60), ("a", on(1, 25), 100)])
    assert drawn(first) == {("pays", "a", on(1, 20, 0)): 40}


def test_what_is_given_back_of_one_line_is_not_drawn_for_another() -> None:
    """150 are 75 of each line; a falls to 30 where a block begins, so 45 come back. They were b's too when priced again."""
    gift = {"key": "gift", "amount": "0.01", "effective": "2026-01-20", "applies_to": ["c"]}
    promises = [prepaid("pays", 150, spread="pro_rata", applies_to=["a", "b"])]
    contract = {"lines": lines(3, negative="credit"), "commitments": promises, "credits": [gift]}
    used = [("a", on(1, 5), 100), ("b", on(1, 5), 100), ("a", on(1, 25), -70)]
    first = priced(contract, used)
    assert drawn(first) == {("pays", "a", JANUARY.start): 30, ("pays", "b", JANUARY.start): 75}
    assert same(again(contract, used, first), first)


def _written(key: str, one: Written) -> Written:
    """With what its way of paying says."""
    of_all = {name: value for name, value in one.items() if name != "said"}
    return {"key": key, **of_all, **one["said"]}


commitments: st.SearchStrategy[list[Written]] = st.lists(
    st.fixed_dictionaries(
        {
            "amount": st.integers(1, 150).map(lambda minor: f"{Decimal(minor) / 100}"),
            "period": st.sampled_from([{"months": 1}, {"months": 2}]),
            "said": st.sampled_from(
                [
                    {"payment": "prepaid", "invoiced": "none"},
                    {"payment": "prepaid", "invoiced": "none", "rollover_percent": "50"},
                    *({"shortfall": short} for short in ("true_up", "roll_over", "none")),
                ]
            ),
        },
        optional={
            "spread": st.just("pro_rata"),
            "applies_to": st.sampled_from([["a"], ["b"], ["a", "b"]]),
            "anchor": st.sampled_from(["2026-01-06", "2026-01-15", "2026-01-25"]),
            "overage_percent": st.sampled_from(["110", "150"]),
        },
    ),
    min_size=1,
    max_size=3,
).map(lambda found: [_written(f"c{n}", one) for n, one in enumerate(found)])
credits = st.lists(
    st.fixed_dictionaries(
        {"amount": st.integers(1, 100).map(lambda minor: f"{Decimal(minor) / 100}")},
        optional={
            "effective": st.just("2026-01-08"),
            "applies_to": st.sampled_from([["a"], ["b"]]),
            "refill": st.just({"every": "week", "anchor": "2026-01-01"}),
        },
    ),
    max_size=2,
).map(lambda found: [{"key": f"g{n}", **one} for n, one in enumerate(found)])
contracts = st.builds(
    lambda count, promised, granted: {"lines": lines(count), "commitments": promised, "credits": granted},
    st.integers(2, 3),
    commitments,
    credits,
)
caps = st.one_of(st.none(), st.integers(1, 250))


def _falling(contract: Written, below_zero: list[str], most: int | None) -> Written:
    found = [{**line, "negative": then} for line, then in zip(contract["lines"], below_zero, strict=False)]
    cap = {} if most is None else {"cap": {"spend_per_period": f"{Decimal(most) / 100}"}}
    return {**contract, "lines": found, **cap}


def _in_turn(contract: Written) -> bool:
    """Whether all that is committed is paid for, and pays one line after the other."""
    return all(one.get("payment") == "prepaid" and "spread" not in one for one in contract["commitments"])


#: Their lines fall in the midst of the period: by units taken back, or as the cap is shared out anew.
falling = st.builds(
    _falling, contracts, st.lists(st.sampled_from(["carry", "zero", "credit"]), min_size=3, max_size=3), caps
)


def used_by(units: st.SearchStrategy[int]) -> st.SearchStrategy[list[Used]]:
    days = st.integers(0, 30).map(lambda day: JANUARY.start + timedelta(days=day, hours=5))
    return st.lists(st.tuples(st.sampled_from(KEYS), days, units), max_size=6)


uses = used_by(st.integers(1, 100))
both_ways = used_by(st.integers(-60, 100).filter(bool))


def left_by_cap(of: PricedPeriod) -> dict[str, int]:
    """Line id → what the cap leaves of it, and nothing where it comes to less: in fractions, by the largest remainder."""
    amounts = {line.line_id: line.amount_minor for line in of.lines if line.kind != "cap"}
    [beyond] = [-line.amount_minor for line in of.lines if line.kind == "cap"] or [0]
    cut = {line.line_id: max(line.amount_minor, 0) for line in of.lines if line.kind in ("usage", "minimum")}
    exact = {name: Fraction(beyond * minor, sum(cut.values()) or 1) for name, minor in cut.items()}
    parts = {name: floor(part) for name, part in exact.items()}
    rest = sorted(exact, key=lambda name: parts[name] - exact[name])[: beyond - sum(parts.values())]
    return {name: max(minor - parts.get(name, 0) - (name in rest), 0) for name, minor in amounts.items()}


def conserves(of: PricedPeriod) -> bool:
    """Whether no line is paid beyond what it comes to, and of no block more than it has."""
    amounts, paid = left_by_cap(of), Counter[str]()
    for one in of.draws:
        paid[one.block] += one.amount_minor
    return all(0 <= minor <= amounts.get(name, 0) for name, minor in by_line(of.draws).items()) and all(
        0 <= of.left[block.id] == block.amount_minor - paid[block.id] for block in of.blocks
    )


@often
@given(contract=st.one_of(contracts, falling.filter(_in_turn)), used=uses)
def test_what_did_not_change_is_drawn_as_before(contract: Written, used: list[Used]) -> None:
    first = priced(contract, used)
    second = again(contract, used, first)
    assert same(second, first)
    assert same(again(contract, used, second), first)


@often
@given(contract=st.one_of(contracts, falling.filter(_in_turn)), used=uses, more=uses, gone=st.integers(0, 2))
def test_the_same_correction_again_changes_nothing(
    contract: Written, used: list[Used], more: list[Used], gone: int
) -> None:
    now = [*used[gone:], *more]
    corrected = again(contract, now, priced(contract, used))
    assert same(again(contract, now, corrected), corrected)


@often
@given(contract=falling, used=both_ways, more=both_ways, gone=st.integers(0, 2))
def test_no_line_is_paid_beyond_what_it_comes_to_and_no_block_pays_more_than_it_has(
    contract: Written, used: list[Used], more: list[Used], gone: int
) -> None:
    """Whatever comes, goes, is taken back or capped."""
    now, first = [*used[gone:], *more], priced(contract, used)
    corrected = again(contract, now, first)
    for one in (first, again(contract, used, first), corrected, again(contract, now, corrected)):
        assert conserves(one)
