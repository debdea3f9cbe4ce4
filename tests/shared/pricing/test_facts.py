"""Draws of documents that exist stay: a later pricing of the period adds draws from what is available then, or returns
them, what was asked for in money first, then the last draw first."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from math import floor
from typing import Any

import pytest
from hypothesis import event, given
from hypothesis import strategies as st

from shared.pricing import EMPTY, Balances, Group, PricedPeriod, Totals, price_period, usage_needs
from shared.pricing.balances import BlockDrawn
from shared.pricing.blocks import Block, Draw
from shared.pricing.facts import NO_FACTS, Facts
from tests.shared.pricing.agreements import Agreement, agreements
from tests.shared.pricing.contracts import JANUARY, chain, usage_line
from tests.shared.pricing.test_balances import CENT, agreed, on
from tests.shared.pricing.test_contract_laws import often

BEGIN, END = on(1, 1, 0), on(2, 1, 0)
Used = tuple[datetime, int]


def january(
    used: Sequence[Used],
    blocks: Sequence[Block],
    facts: Facts = NO_FACTS,
    by_others: dict[str, int] | None = None,
    **over: Any,
) -> PricedPeriod:
    """Price January, a cent a unit; others have drawn so much."""
    known = chain(agreed(**over))
    drawn = tuple(BlockDrawn(*one) for one in (by_others or {}).items())
    opening = Balances(blocks=tuple(blocks), drawn=drawn)
    needs = usage_needs(known, JANUARY, opening.blocks)
    usage: dict[Totals, Mapping[Group, Decimal]] = {
        need: {(): Decimal(sum(units for at, units in used if need.start <= at < need.end))} for need in needs
    }
    return price_period(known, JANUARY, usage, opening, facts=facts, explain=True)


def facts_of(priced: PricedPeriod) -> Facts:
    return Facts(priced.difference, priced.draws)


def block(
    name: str, minor: int, since: datetime = BEGIN, until: datetime | None = None, **over: Any
) -> Block:
    return Block(name, name, over.pop("kind", "prepaid"), minor, since, until, since, **over)


def paid(draws: Sequence[Draw]) -> dict[str, int]:
    found = Counter[str]()
    for one in draws:
        found[one.block] += one.amount_minor
    return {name: minor for name, minor in found.items() if minor}


def test_what_was_granted_since_and_goes_first_moves_no_draw() -> None:
    """60 of 100 were drawn; 30 more come: 20 of the block that came, as it goes first, and 10 of the other."""
    first = january([(on(1, 5), 60)], [block("old", 100)])
    since = block("new", 20, priority=1)
    again = january([(on(1, 5), 90)], [block("old", 100), since], facts_of(first))
    assert paid(again.draws) == {"old": 70, "new": 20}
    assert paid(january([(on(1, 5), 90)], [block("old", 100), since]).draws) == {"old": 70, "new": 20}
    same = january([(on(1, 5), 60)], [block("old", 100), since], facts_of(first))
    assert paid(same.draws) == {"old": 60}, "priced from nothing it would be 40 and 20"


def test_what_was_asked_for_in_money_is_returned_first_then_the_last_draw() -> None:
    """100, of which a pays 30, b 40 and money 30."""
    both = [block("a", 30), block("b", 40)]
    first = january([(on(1, 5), 100)], both)
    assert (paid(first.draws), first.total_minor) == ({"a": 30, "b": 40}, 30)
    for units, draws, money in (
        (80, {"a": 30, "b": 40}, 10),
        (65, {"a": 30, "b": 35}, 0),
        (20, {"a": 20}, 0),
    ):
        again = january([(on(1, 5), units)], both, facts_of(first))
        assert (paid(again.draws), again.total_minor) == (draws, money)


def test_what_comes_to_less_in_one_slice_returns_to_the_block_of_its_time() -> None:
    """a pays until the 10th, b after: 20 go from before to after."""
    both = [block("a", 50, until=on(1, 10, 0)), block("b", 50, since=on(1, 10, 0))]
    first = january([(on(1, 5), 50), (on(1, 15), 10)], both)
    again = january([(on(1, 5), 30), (on(1, 15), 30)], both, facts_of(first))
    assert paid(again.draws) == {"a": 30, "b": 30}
    assert [(one.block, one.amount_minor) for one in again.draws] == [("a", 30), ("b", 10), ("b", 20)]


def test_a_commitment_does_not_take_over_what_a_credit_paid() -> None:
    """50 of 90 on the commitment, as others had 50 of it; they gave 30 back since, and 10 more come."""
    promise = {"key": "p", "amount": "1", "payment": "prepaid", "invoiced": "none"}
    gift = [block("gift", 40)]
    whole = january([(on(1, 5), 90)], gift, commitments=[promise])
    [name] = paid(whole.draws).keys() - {"gift"}
    first = january([(on(1, 5), 90)], gift, by_others={name: 50}, commitments=[promise])
    assert paid(first.draws) == {name: 50, "gift": 40}
    again = january([(on(1, 5), 100)], gift, facts_of(first), by_others={name: 20}, commitments=[promise])
    assert paid(again.draws) == {name: 60, "gift": 40}


def test_a_line_that_is_gone_returns_its_draws() -> None:
    both = [usage_line(CENT), {"key": "fee", "kind": "recurring", "amount": "0.31"}]
    first = january([(on(1, 5), 10)], [block("a", 100)], lines=both)
    assert paid(first.draws) == {"a": 41}
    again = january([(on(1, 5), 10)], [block("a", 100)], facts_of(first))
    assert paid(again.draws) == {"a": 10}


@often
@given(agreement=agreements())
def test_what_did_not_change_is_drawn_as_before(agreement: Agreement) -> None:
    """Whatever is agreed: priced again with its own draws as facts, a period draws, hands on and says the same."""
    known, usage, opening = agreement.versions, agreement.counted(), EMPTY
    for _, period in zip(range(3), agreement.newest.calendar.periods(), strict=False):
        needs = usage_needs(known, period, opening.blocks)
        counted = dict(zip(needs, usage.quantities(needs), strict=True))
        first = price_period(known, period, counted, opening, explain=True)
        again = price_period(known, period, counted, opening, facts=facts_of(first), explain=True)
        assert places(again.draws) == places(first.draws)
        assert (again.lines, again.closing, again.changes, again.left) == (
            first.lines,
            first.closing,
            first.changes,
            first.left,
        )
        assert not any(again.difference.values())
        opening = first.closing


def places(draws: Sequence[Draw]) -> dict[tuple[str, str, datetime], int]:
    found = Counter[tuple[str, str, datetime]]()
    for one in draws:
        found[one.block, one.line_id, one.slice_start] += one.amount_minor
    return {place: minor for place, minor in found.items() if minor}


instants = st.integers(0, 30)
counted = st.lists(st.tuples(instants, st.integers(1, 90)), max_size=8)


@st.composite
def some_blocks(drawn: st.DrawFn) -> list[Block]:
    found = []
    for name in drawn(st.lists(st.sampled_from("abcd"), max_size=4, unique=True)):
        start = drawn(instants)
        until = drawn(st.one_of(st.none(), st.integers(start + 1, 40)))
        found.append(
            block(
                name,
                drawn(st.integers(1, 200)),
                BEGIN + timedelta(days=start),
                None if until is None else BEGIN + timedelta(days=until),
                priority=drawn(st.one_of(st.none(), st.integers(0, 2))),
            )
        )
    return found


@given(
    before=some_blocks(),
    since=some_blocks(),
    first=counted,
    more=counted,
    gone=st.integers(0, 4),
    data=st.data(),
)
def test_corrections_conserve_whatever_comes_and_goes(
    before: list[Block],
    since: list[Block],
    first: list[tuple[int, int]],
    more: list[tuple[int, int]],
    gone: int,
    data: st.DataObject,
) -> None:
    """Against an account of its own: what stays, day by day; no block below zero, no line paid beyond what it comes to;
    where nothing fell every draw stays; and nobody asks for money while a block of that time has any."""
    at = [(BEGIN + timedelta(days=day, hours=5), units) for day, units in first]
    one = january(at, before)
    known = {each.id for each in before}
    blocks = [*before, *(each for each in since if each.id not in known)]
    now = [*at[gone:], *((BEGIN + timedelta(days=day, hours=7), units) for day, units in more)]
    room = {each.id: each.amount_minor - paid(one.draws).get(each.id, 0) for each in blocks}
    others = {name: data.draw(st.integers(0, left), label=name) for name, left in room.items()}
    two = january(now, blocks, facts_of(one), {name: minor for name, minor in others.items() if minor})
    drawn, was = paid(two.draws), paid(one.draws)
    assert sum(drawn.values()) <= two.subtotal_minor == sum(units for _, units in now)
    for each in blocks:
        left = each.amount_minor - others[each.id] - drawn.get(each.id, 0)
        assert 0 <= left == two.left[each.id]
        fully = each.effective == BEGIN and each.ends is None
        assert not fully or left == 0 or two.total_minor == 0
    if not gone:
        assert all(drawn.get(name, 0) >= minor for name, minor in was.items())
        event("nothing fell")
    elif sum(drawn.values()) < sum(was.values()):
        event("returned")


@given(
    first=st.integers(0, 60),
    now=st.integers(0, 90),
    share=st.sampled_from([10, 33, 40, 50, 100]),
    parts=st.tuples(st.integers(0, 4), st.integers(0, 4)),
)
def test_what_rolls_over_falls_as_far_as_nobody_drew_it(
    first: int, now: int, share: int, parts: tuple[int, int]
) -> None:
    """Against fractions: of 50 a share rolls over; others draw some quarters of it, and some quarters of the rest live on.
    What is drawn on what rolled over, and what lives on, is no late usage's."""
    promise = {
        "key": "p",
        "amount": "0.50",
        "payment": "prepaid",
        "invoiced": "none",
        "period": {"months": 1},
        "rollover_percent": str(share),
    }
    before = january([(on(1, 5), first)], [], commitments=[promise])
    whole = january([], [], commitments=[promise])
    own, rolled_over = (block.id for block in whole.blocks)
    left, drawn = 50 - min(first, 50), min(first, 50)
    rolls = rolled(before)
    assert rolls == floor(Fraction(left * share, 100))
    taken, gone = rolls * parts[0] // 4, (left - rolls) * parts[1] // 4
    facts = facts_of(before)._replace(lives_on={own: gone})
    again = january([(on(1, 5), now)], [], facts, {rolled_over: taken, own: gone}, commitments=[promise])
    least = min(
        kept
        for kept in range(left + 1)
        if floor(Fraction(kept * share, 100)) >= taken and kept - floor(Fraction(kept * share, 100)) >= gone
    )
    pays = max(min(drawn, now), min(now, 50 - least))
    assert paid(again.draws).get(own, 0) == pays
    assert taken <= rolled(again) == floor(Fraction((50 - pays) * share, 100))
    assert again.left[own] >= 0 and again.left[own] - rolled(again) >= 0
    event("fell" if rolled(again) < rolls else "rose" if rolled(again) > rolls else "stayed")


def rolled(priced: PricedPeriod) -> int:
    """What goes on of what it hands on."""
    return sum(one.amount_minor for one in priced.changes if one.kind == "granted")


@given(used=st.lists(st.tuples(st.integers(0, 27), st.integers(0, 40)), max_size=6), data=st.data())
def test_what_refills_keep_of_each_other_stays_where_it_was_drawn(
    used: list[tuple[int, int]], data: st.DataObject
) -> None:
    """Refilled each week by 20, of which up to 15 go on: whatever comes late and whatever later periods draw, no block is
    below zero, and each gives what the next has of it."""
    gift = {
        "key": "gift",
        "amount": "0.20",
        "refill": {"every": "week", "anchor": "2026-01-01"},
        "roll_over": {"max": "0.15", "min": "0.02"},
    }
    at = [(BEGIN + timedelta(days=day), units) for day, units in used]
    before = january(at, [], credits=[gift])
    closing = {row.block: row.amount_minor for row in before.closing.drawn}
    [last] = [one for one in before.blocks if one.ends and one.ends > END]
    others = {last.id: data.draw(st.integers(0, last.amount_minor - closing.get(last.id, 0)))}
    late = data.draw(st.lists(st.tuples(st.integers(0, 27), st.integers(0, 40)), max_size=4))
    now = [*at, *((BEGIN + timedelta(days=day), units) for day, units in late)]
    again = january(now, [], facts_of(before), others, credits=[gift])
    assert all(minor >= 0 for minor in again.left.values())
    gave, has = Counter[datetime](), Counter[datetime]()
    for one in again.changes:
        gave[one.at] += one.amount_minor if one.kind == "rolled_over" else 0
        has[one.at] += one.amount_minor if one.kind == "granted" else 0
    assert all(gave[when] <= has[when] <= max(gave[when], 2) for when in has)
    assert all(paid(again.draws).get(name, 0) >= minor for name, minor in paid(before.draws).items())


@pytest.mark.parametrize("fell", [10, 35])
def test_a_slice_below_nothing_returns_no_more_than_it_did(fell: int) -> None:
    """What a later slice takes back of an earlier one was returned before, and is returned again as much."""
    both = [block("a", 100, until=on(1, 20, 0)), block("b", 5, since=on(1, 20, 0))]
    used = [(on(1, 5), 60), (on(1, 25), -fell)]
    first = january(used, both)
    again = january(used, both, facts_of(first))
    assert places(again.draws) == places(first.draws)


def test_what_exceeded_a_commitment_for_a_while_only_is_no_line() -> None:
    """40 beyond it cost 20 more, which a pays, until 45 of 50 are taken back where b begins."""
    promise = {
        "key": "p",
        "amount": "0.10",
        "payment": "prepaid",
        "invoiced": "none",
        "overage_percent": "150",
    }
    both = [block("a", 100), block("b", 5, since=on(1, 20, 0))]
    of: dict[str, Any] = {"lines": [usage_line(CENT, negative="credit")], "commitments": [promise]}
    priced = january([(on(1, 5), 50), (on(1, 25), -45)], both, **of)
    assert [line.kind for line in priced.lines] == ["usage"]
    assert (sum(paid(priced.draws).values()), priced.left["a"], priced.total_minor) == (5, 100, 0)
