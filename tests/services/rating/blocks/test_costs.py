"""What each change of a balance costs, against an oracle in fractions that knows the balance and no change."""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import event, example, given
from hypothesis import strategies as st

from services.rating.blocks.domain.costs import Change, CostedBlock, costs_of

BASES = ("0.8", "0.5", "0.333", "0.01", "0.999", "0.12345678901234567890")


def block(name: str, basis: str = "0.8", settled_minor: int = 0, cost_minor: int = 0) -> CostedBlock:
    return CostedBlock(name, Decimal(basis), (), None, settled_minor, cost_minor)


def rounded(exact: Fraction) -> int:
    """Half away from zero."""
    whole = math.floor(abs(exact) + Fraction(1, 2))
    return whole if exact >= 0 else -whole


def after(known: CostedBlock, changes: Sequence[Change]) -> tuple[list[int], CostedBlock]:
    costs = costs_of(changes, {known.block_id: known})
    left = known.settled_minor + sum(change.minor for change in changes)
    return costs, replace(known, settled_minor=left, cost_minor=known.cost_minor + sum(costs))


def test_a_thousand_for_eight_hundred_is_drawn_given_back_and_lapses_at_that() -> None:
    known = block("blk")
    changes = [Change("blk", minor) for minor in (100_000, -40_001, 1, -20_000, -40_000)]
    found = []
    for change in changes:
        (cost,), known = after(known, [change])
        found.append(cost)
    assert found == [80_000, -32_001, 1, -16_000, -32_000]
    assert (known.settled_minor, known.cost_minor) == (0, 0)


@given(
    st.sampled_from(BASES),
    st.lists(st.lists(st.integers(-500, 500).filter(bool), min_size=1, max_size=4), max_size=12),
    st.data(),
)
def test_what_is_left_costs_its_balance_at_the_basis_rounded_once(
    basis: str, batches: list[list[int]], data: st.DataObject
) -> None:
    """Grants, draws, returns, lapses, refunds, in any order and together, also below zero, some of one line."""
    known, exact = block("blk", basis), Fraction(Decimal(basis))
    for batch in batches:
        lines = [data.draw(st.sampled_from([None, "a", "b"])) for _ in batch]
        changes = [Change("blk", minor, of_line=line) for minor, line in zip(batch, lines, strict=True)]
        costs, known = after(known, changes)
        assert known.cost_minor == rounded(known.settled_minor * exact)
        of_lines: dict[object, tuple[int, int]] = {}
        for place, (change, cost) in enumerate(zip(changes, costs, strict=True)):
            name = place if change.of_line is None else change.of_line
            minor, paid = of_lines.get(name, (0, 0))
            of_lines[name] = minor + change.minor, paid + cost
        for minor, paid in of_lines.values():
            assert abs(paid - minor * exact) <= 1 and abs(paid) <= abs(minor)
    rest, known = after(known, [Change("blk", -known.settled_minor)] if known.settled_minor else [])
    event("some left at the end" if rest else "nothing left at the end")
    assert (known.settled_minor, known.cost_minor) == (0, 0)


@given(
    st.sampled_from(BASES),
    st.integers(1, 300),
    st.integers(0, 300),
    st.integers(0, 300),
    st.integers(0, 50),
    st.lists(st.integers(-20, 20).filter(bool), max_size=8),
)
@example("0.8", 1, 0, 0, 37, [1, -6, 5])
def test_what_is_handed_over_costs_there_what_it_cost_here(
    basis: str, first: int, own: int, lapses: int, gift: int, moved: list[int]
) -> None:
    """One block ends: a part lapses, the rest and a gift go to the next; corrections move some of it, or back. Nothing is
    paid twice or lost, and whoever has nothing left costs nothing."""
    lapses = min(lapses, first)
    paid: Counter[str] = Counter()
    given_beside = 0
    known = {name: block(name, basis) for name in ("one", "two")}

    def change(*changes: Change) -> list[int]:
        costs = costs_of(changes, known)
        for one, cost in zip(changes, costs, strict=True):
            paid[one.block] += cost
            before = known[one.block]
            known[one.block] = replace(
                before,
                settled_minor=before.settled_minor + one.minor,
                cost_minor=before.cost_minor + cost,
            )
        return costs

    change(*[Change(name, minor) for name, minor in (("one", first), ("two", own)) if minor])
    rolled = first - lapses
    handed = [
        Change(name, minor, handed_over="as one ends")
        for name, minor in (("one", -rolled), ("two", rolled + gift))
        if minor
    ]
    costs = change(*handed, *([Change("one", -lapses)] if lapses else []))
    given_beside += sum(costs[: len(handed)])
    assert gift or given_beside == 0
    assert known["one"].settled_minor == known["one"].cost_minor == 0
    for number, minor in enumerate(moved):
        changes = [
            Change("one", minor, handed_over=f"correction {number}"),
            Change("two", -minor, handed_over=f"correction {number}"),
        ]
        assert sum(change(*changes)) == 0
    exact = Fraction(Decimal(basis))
    for one in known.values():
        off = abs(one.cost_minor - one.settled_minor * exact)
        assert off <= len(moved) + 2 and (one.settled_minor or not one.cost_minor)
    assert sum(paid.values()) == sum(one.cost_minor for one in known.values())


@pytest.mark.parametrize(("gives", "has", "expected"), [(30, 30, 0), (30, 40, 5), (30, 20, -5)])
def test_what_does_not_arrive_is_lost_and_what_comes_beside_it_is_a_gift(
    gives: int, has: int, expected: int
) -> None:
    known = {"one": block("one", "0.5", 30, 15), "two": block("two", "0.5")}
    changes = [Change("one", -gives, handed_over="x"), Change("two", has, handed_over="x")]
    assert sum(costs_of(changes, known)) == expected


def test_who_makes_up_for_the_last_that_is_missing_costs_nothing_and_who_gives_has_the_rest() -> None:
    known = {"one": block("one", "0.8", 38, 30), "two": block("two", "0.8", -5, -5)}
    changes = [Change("one", -5, handed_over="x"), Change("two", 5, handed_over="x")]
    assert costs_of(changes, known) == [-5, 5]


def test_where_nothing_is_left_of_both_and_they_differ_the_rest_is_lost() -> None:
    known = {"one": block("one", "0.8", 5, 4), "two": block("two", "0.8", -5, -5)}
    changes = [Change("one", -5, handed_over="x"), Change("two", 5, handed_over="x")]
    assert costs_of(changes, known) == [-4, 5]
