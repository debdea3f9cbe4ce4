"""Commitments and credits: figures to check by hand, and what holds for all of them."""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import event, given
from hypothesis import strategies as st

from shared.pricing import (
    EMPTY,
    Balances,
    Group,
    PricedPeriod,
    Terms,
    TermsInvalid,
    Totals,
    price_period,
    text_of,
    usage_needs,
)
from shared.pricing.blocks import Block, Draw, Due, draw, in_order
from shared.pricing.blocks.parts import Part, parts_due
from shared.pricing.language import check_amendment, content_hash, to_document
from shared.values.money import currency
from shared.values.period import ServicePeriod
from tests.shared.pricing.contracts import chain, document, terms, usage_line

CENT = {"model": "per_unit", "unit": "0.01"}
Used = tuple[datetime, int]
"""When, and how many units: each costs a cent where a test says nothing else."""


def on(month: int, day: int, hour: int = 12) -> datetime:
    return datetime(2026, month, day, hour, tzinfo=UTC)


def year(
    versions: Sequence[Terms],
    used: Sequence[tuple[str, datetime, int]],
    opening: Balances = EMPTY,
    months: int = 12,
) -> list[PricedPeriod]:
    """Price the months of 2026 one after the other, each opened with what the one before it closed with."""
    priced, known = list[PricedPeriod](), chain(*versions)
    for _, period in zip(range(months), known[0].terms.calendar.periods(), strict=False):
        priced.append(month(versions, period, used, opening, known))
        opening = priced[-1].closing
    return priced


def month(
    versions: Sequence[Terms],
    period: ServicePeriod,
    used: Sequence[tuple[str, datetime, int]],
    opening: Balances = EMPTY,
    known: Any = None,
) -> PricedPeriod:
    known = known or chain(*versions)
    usage: dict[Totals, Mapping[Group, Decimal]] = {
        need: {
            (): Decimal(
                sum(units for key, at, units in used if key == need.line_key and need.start <= at < need.end)
            )
        }
        for need in usage_needs(known, period, opening.blocks)
    }
    return price_period(known, period, usage, opening, explain=True)


def agreed(**over: Any) -> Terms:
    return terms(**{"lines": [usage_line(CENT)], **over})


def paid(priced: PricedPeriod) -> dict[str, int]:
    """Key of a block → what it pays."""
    keys = {block.id: block.key for block in priced.blocks}
    sums: dict[str, int] = {}
    for one in priced.draws:
        sums[keys[one.block]] = sums.get(keys[one.block], 0) + one.amount_minor
    return sums


def lines(priced: PricedPeriod) -> dict[str, int]:
    return {f"{line.kind}:{line.key}": line.amount_minor for line in priced.lines}


def test_a_prepaid_commitment_pays_until_it_is_used_up_and_what_exceeds_it_costs_more() -> None:
    """1,000 committed, 600 a month at the price, 110 % beyond it: 600; 400 and 200 beyond, 20 more; 600 and 60."""
    promise = {
        "key": "annual",
        "amount": "1000",
        "period": "year",
        "payment": "prepaid",
        "overage_percent": "110",
    }
    used = [("api", on(one, 10), 60_000) for one in (1, 2, 3)]
    january, february, march = year([agreed(commitments=[promise])], used, months=3)
    assert (lines(january), paid(january), january.total_minor) == (
        {"usage:api": 60_000},
        {"annual": 60_000},
        0,
    )
    assert lines(february) == {"usage:api": 60_000, "uplift:annual": 2_000}
    assert (paid(february), february.total_minor) == ({"annual": 40_000}, 22_000)
    assert (lines(march), paid(march)) == ({"usage:api": 60_000, "uplift:annual": 6_000}, {})


def test_a_postpaid_commitment_is_asked_for_as_it_is_used_and_made_up_for_at_its_end() -> None:
    """12 × 50 of 1,000: 400 short in December."""
    used = [("api", on(one, 10), 5_000) for one in range(1, 13)]
    priced = year([agreed(commitments=[{"key": "annual", "amount": "1000", "period": "year"}])], used)
    assert [one.total_minor for one in priced] == [5_000] * 11 + [45_000]
    assert lines(priced[-1]) == {"usage:api": 5_000, "shortfall:annual": 40_000}
    assert all(not one.draws for one in priced)


def test_a_commitment_pays_lines_in_the_order_in_which_terms_write_them() -> None:
    """Usage is written before the fee, which stands first in the statement."""
    fee = {"key": "fee", "kind": "recurring", "amount": "100"}
    promise = {"key": "annual", "amount": "60", "payment": "prepaid"}
    (january,) = year(
        [agreed(lines=[usage_line(CENT), fee], commitments=[promise])], [("api", on(1, 10), 5_000)], months=1
    )
    keys = {line.line_id: line.key for line in january.lines}
    assert [line.key for line in january.lines] == ["fee", "api"]
    assert [(keys[one.line_id], one.amount_minor) for one in january.draws] == [
        ("api", 5_000),
        ("fee", 1_000),
    ]


def test_what_returns_to_a_commitment_pays_what_rises_in_the_same_slice() -> None:
    """100 of usage are covered when the credit expires; at the period's end the cap of 150 leaves 50 of them, and 100 of
    the fee of 200: what returns pays half of it."""
    fee = {"key": "fee", "kind": "recurring", "amount": "200"}
    promise = {"key": "annual", "amount": "100", "payment": "prepaid", "overage_percent": "110"}
    agreement = agreed(
        lines=[usage_line(CENT), fee],
        cap={"spend_per_period": "150"},
        commitments=[promise],
        credits=[{"key": "gift", "amount": "1", "expires": "2026-01-15"}],
    )
    (january,) = year([agreement], [("api", on(1, 10), 10_000)], months=1)
    assert lines(january)["uplift:annual"] == 500
    assert (paid(january), january.total_minor) == ({"annual": 10_000}, 5_500)


def test_nothing_is_short_where_nothing_is_to_be_made_up_for() -> None:
    promise = {"key": "annual", "amount": "1000", "period": "year", "shortfall": "none"}
    assert lines(year([agreed(commitments=[promise])], [])[-1]) == {"usage:api": 0}


def test_what_is_short_and_rolls_over_is_asked_for_and_pays_in_the_next_term() -> None:
    promise = {"key": "half", "amount": "100", "period": {"months": 6}, "shortfall": "roll_over"}
    used = [("api", on(3, 1), 4_000), ("api", on(7, 1), 12_000)]
    priced = year([agreed(commitments=[promise])], used, months=8)
    assert lines(priced[5]) == {"usage:api": 0, "shortfall:half": 6_000}
    assert (paid(priced[6]), priced[6].total_minor) == ({"half": 6_000}, 6_000)


def test_what_is_short_is_not_paid_by_the_block_that_it_makes() -> None:
    """The commitment ends on 1 May, within a period: its block pays the fee of that period, and not its own price."""
    promise = {"key": "monthly", "amount": "100", "period": {"months": 1}, "shortfall": "roll_over"}
    agreement = agreed(
        term={"start": "2026-04-01", "months": 2},
        billing={"anchor_day": 15},
        lines=[{"key": "fee", "kind": "recurring", "amount": "31"}],
        commitments=[promise],
    )
    _, may, _ = year([agreement], [], months=3)
    assert lines(may) == {"recurring:fee": 3_100, "shortfall:monthly": 8_600}
    assert (paid(may), may.total_minor) == ({"monthly": 3_100}, 8_600)


def test_what_is_left_of_a_prepaid_commitment_lapses_but_for_its_share() -> None:
    promise = {
        "key": "half",
        "amount": "100.01",
        "period": {"months": 6},
        "payment": "prepaid",
        "rollover_percent": "25",
    }
    priced = year([agreed(commitments=[promise])], [("api", on(1, 1), 5_000), ("api", on(12, 31), 1_000_000)])
    # 50.01 is left; a quarter, 12.50, rolls over
    assert [(change.kind, change.amount_minor) for change in priced[5].changes] == [
        ("rolled_over", 1_250),
        ("expiry", 3_751),
        ("granted", 1_250),
    ]
    assert [block.amount_minor for block in priced[6].blocks if block.kind == "roll_over"] == [1_250]
    # in December both pay; what rolled over from June to December ends with it
    assert paid(priced[11]) == {"half": 10_001 + 1_250}


def test_commitments_are_used_in_the_order_written_and_the_last_one_says_what_more_costs() -> None:
    both = [
        {"key": "a", "amount": "10", "payment": "prepaid", "applies_to": ["api"], "overage_percent": "200"},
        {"key": "b", "amount": "5", "overage_percent": "110"},
    ]
    (january,) = year(
        [agreed(lines=[usage_line(CENT), usage_line(CENT, key="other", meter="others")], commitments=both)],
        [("api", on(1, 3), 1_200), ("other", on(1, 4), 500)],
        months=1,
    )
    # a covers 1,000 of api, b 200 of api and 300 of other, so that 200 exceed b: 20 more
    assert lines(january) == {"usage:api": 1_200, "usage:other": 500, "uplift:b": 20}
    assert january.total_minor == 1_720 - 1_000


def test_the_cap_leaves_room_for_what_exceeds_a_commitment_where_it_counts_that() -> None:
    """5.00 of 12.00 are committed: 7.00 exceed it at 150 %, 3.50 more; the cap of 14.00 leaves 2.00 of that."""
    promise = {"key": "a", "amount": "5", "overage_percent": "150"}
    cap = {"spend_per_period": "14"}
    for included, uplift in ((False, 350), (True, 200)):
        (january,) = year(
            [agreed(commitments=[{**promise, "cap_includes_overage": included}], cap=cap)],
            [("api", on(1, 3), 1_200)],
            months=1,
        )
        assert lines(january) == {"usage:api": 1_200, "uplift:a": uplift}
    both = [
        {**promise, "key": key, "cap_includes_overage": True, "applies_to": [line]}
        for key, line in (("a", "api"), ("b", "other"))
    ]
    (january,) = year(
        [
            agreed(
                lines=[usage_line(CENT), usage_line(CENT, key="other", meter="others")],
                commitments=both,
                cap=cap,
            )
        ],
        [("api", on(1, 3), 700), ("other", on(1, 4), 600)],
        months=1,
    )
    assert lines(january) == {"usage:api": 700, "usage:other": 600, "uplift:a": 100}
    over = [("api", on(1, 3), 1_500)]
    (january,) = year(
        [agreed(commitments=[{**promise, "cap_includes_overage": True}], cap=cap)], over, months=1
    )
    assert january.subtotal_minor == 1_400 and "uplift:a" not in lines(january)


def test_what_is_left_of_a_commitment_is_shared_by_amount_where_it_is_spread() -> None:
    """10 left over 5 and 7: 4.17 and 5.83."""
    promise = {"key": "a", "amount": "10", "payment": "prepaid", "spread": "pro_rata"}
    (january,) = year(
        [
            agreed(
                lines=[usage_line(CENT), usage_line(CENT, key="other", meter="others")], commitments=[promise]
            )
        ],
        [("api", on(1, 3), 500), ("other", on(1, 4), 700)],
        months=1,
    )
    assert [one.amount_minor for one in january.draws] == [417, 583]


def test_two_blocks_pay_by_expiry_and_what_lapses_is_told_when_its_month_closes() -> None:
    """As of 9E: 250,000 prepaid until the end of February, 5,000 given until the end of December."""
    blocks = [
        {"key": "given", "amount": "5000", "expires": "2026-12-31"},
        {"key": "paid", "kind": "prepaid", "amount": "250000", "expires": "2026-02-28", "document": "none"},
    ]
    used = [("api", on(one, 10), 10_000_000) for one in (1, 2, 3)]
    january, february, march = year([agreed(credits=blocks)], used, months=3)
    assert (paid(january), paid(february), paid(march)) == (
        {"paid": 10_000_000},
        {"paid": 10_000_000},
        {"given": 500_000},
    )
    assert [(one.kind, one.amount_minor) for one in february.changes] == [("expiry", 5_000_000)]


def test_a_block_pays_for_what_happened_while_it_held_whatever_came_first() -> None:
    """It begins on 10 January and ends with the 20th: 100 + 200 + 400 units, of which it may pay the 200."""
    block = {"key": "mid", "amount": "1000", "effective": "2026-01-10", "expires": "2026-01-20"}
    used = [("api", on(1, 9, 23), 100), ("api", on(1, 20, 23), 200), ("api", on(1, 21, 0), 400)]
    (january,) = year([agreed(credits=[block])], used, months=1)
    (only,) = january.draws
    assert (only.amount_minor, only.slice_start) == (200, on(1, 10, 0))
    assert [(one.kind, one.amount_minor) for one in january.changes] == [("expiry", 99_800)]


def test_an_instant_at_which_a_block_ends_is_not_paid() -> None:
    block = {"key": "mid", "amount": "1000", "expires": "2026-01-20T12:00:00Z"}
    (january,) = year([agreed(credits=[block])], [("api", on(1, 20), 100)], months=1)
    assert paid(january) == {}


def test_a_slice_that_is_worth_less_than_nothing_returns_draws_the_last_first() -> None:
    """By volume, 1,000 units at 2 cents come to less in the next tier: 20.00, then 11.00 for 1,100 at a cent."""
    volume = {"model": "volume", "tiers": [{"up_to": "1000", "unit": "0.02"}, {"unit": "0.01"}]}
    blocks = [{"key": "a", "amount": "15"}, {"key": "b", "amount": "3", "expires": "2026-01-10"}]
    used = [("api", on(1, 5), 1_000), ("api", on(1, 15), 100)]
    (january,) = year([agreed(lines=[usage_line(volume)], credits=blocks)], used, months=1)
    # b pays 3 of the first slice and a 15, 2 are asked for; then 9 return: all to a, which was drawn on last
    assert (paid(january), january.total_minor) == ({"b": 300, "a": 600}, 200)
    assert [one.amount_minor for one in january.draws] == [300, 1_500, -900]


def test_a_refill_sets_the_balance_and_does_not_add_to_it() -> None:
    block = {"key": "pool", "amount": "10", "refill": {"every": "month"}}
    used = [("api", on(1, 5), 300), ("api", on(2, 5), 1_500)]
    january, february = year([agreed(credits=[block])], used, months=2)
    assert (paid(january), paid(february)) == ({"pool": 300}, {"pool": 1_000})
    assert [(one.kind, one.amount_minor) for one in january.changes] == [("expiry", 700)]


@pytest.mark.parametrize(
    ("kept", "pays"), [({"max": "5"}, 1_500), ({"max": "20", "min": "8"}, 1_800), ({}, 1_700)]
)
def test_a_refill_keeps_what_rolls_over(kept: dict[str, str], pays: int) -> None:
    """Of 10, 3 are used: 7 are left, of which at most 5, or at least 8, or all stay beside the next 10."""
    block = {"key": "pool", "amount": "10", "refill": {"every": "month"}, "roll_over": kept}
    used = [("api", on(1, 5), 300), ("api", on(2, 5), 9_900)]
    _, february = year([agreed(credits=[block])], used, months=2)
    assert paid(february) == {"pool": pays}


def test_a_refill_within_a_month_keeps_for_the_same_month() -> None:
    block = {
        "key": "pool",
        "amount": "10",
        "refill": {"every": "month", "anchor": "2026-01-11"},
        "roll_over": {"max": "4"},
    }
    used = [("api", on(1, 5), 300), ("api", on(1, 15), 9_900)]
    (january,) = year([agreed(credits=[block])], used, months=1)
    assert paid(january) == {"pool": 300 + 1_400}


def test_blocks_are_drawn_on_in_the_written_order() -> None:
    """Priority, then expiry to the second, then what was given, then the oldest, then the id; the contract's own order
    goes before, and classes before both."""

    def block(name: str, **over: Any) -> Block:
        return Block(name, name, "prepaid", 1, on(1, 1), None, on(1, 1), **over)

    def ended(name: str, at: datetime, created: datetime) -> Block:
        return replace_of(block(name, priority=1), ends=at, created=created)

    second = on(3, 1)
    blocks = [
        block("no-expiration", priority=1),
        replace_of(block("lower-priority", priority=2), ends=on(2, 1)),
        ended("created-first", second + timedelta(milliseconds=900), on(1, 2)),
        ended("cursor-b", second + timedelta(milliseconds=500), on(1, 3)),
        ended("cursor-a", second + timedelta(milliseconds=100), on(1, 3)),
        ended("later-expiration", second + timedelta(hours=1), on(1, 1)),
    ]
    assert [one.id for one in in_order(blocks)] == [
        "created-first",
        "cursor-a",
        "cursor-b",
        "later-expiration",
        "no-expiration",
        "lower-priority",
    ]
    first = replace_of(block("first"), class_="first")
    assert in_order([*blocks, first])[0] is first
    given_, narrow = replace_of(block("z"), kind="promotional"), replace_of(block("y"), applies_to=("api",))
    assert [one.id for one in in_order([block("x"), given_, narrow])] == ["z", "x", "y"]
    assert [one.id for one in in_order([block("x"), given_, narrow], ["narrowest"])] == ["y", "x", "z"]


def replace_of(block: Block, **over: Any) -> Block:
    return Block(**{**{name: getattr(block, name) for name in Block.__struct_fields__}, **over})


def test_a_block_that_a_call_granted_pays_and_goes_on() -> None:
    given_ = Block("blk_1", "blk_1", "prepaid", 1_000, on(1, 5, 0), None, on(1, 1), applies_to=("api",))
    used = [("api", on(1, 4), 300), ("api", on(1, 6), 300), ("api", on(2, 6), 900)]
    january, february = year([agreed()], used, Balances(blocks=(given_,)), months=2)
    assert (paid(january), paid(february)) == ({"blk_1": 300}, {"blk_1": 700})
    assert february.closing.blocks == (given_,)


def test_a_minimum_draws_no_commitment_and_a_credit_pays_it() -> None:
    over = {"phases": [{"from": "2026-01-01", "minimum_spend": "30"}]}
    promise = {"key": "a", "amount": "100", "payment": "prepaid"}
    (january,) = year([agreed(commitments=[promise], **over)], [("api", on(1, 1), 1_000)], months=1)
    assert (paid(january), january.total_minor) == ({"a": 1_000}, 2_000)
    (january,) = year(
        [agreed(credits=[{"key": "a", "amount": "25"}], **over)], [("api", on(1, 1), 1_000)], months=1
    )
    assert (paid(january), january.total_minor) == ({"a": 2_500}, 500)
    only = {"key": "a", "amount": "25", "applies_to": ["usage"]}
    (january,) = year([agreed(credits=[only], **over)], [("api", on(1, 1), 1_000)], months=1)
    assert paid(january) == {"a": 1_000}


def test_the_steps_of_balances_are_told() -> None:
    promise = {"key": "half", "amount": "10", "period": {"months": 1}, "overage_percent": "110"}
    more = {"key": "long", "amount": "100", "period": {"months": 1}, "applies_to": ["other"]}
    over = {"lines": [usage_line(CENT), usage_line(CENT, key="other", meter="others")]}
    (january,) = year(
        [agreed(commitments=[promise, more], credits=[{"key": "gift", "amount": "1.50"}], **over)],
        [("api", on(1, 3), 1_200)],
        months=1,
    )
    told = [text_of(step) for step in january.steps if step.op in ("commit", "uplift", "shortfall", "draw")]
    assert told == [
        "10.00 USD covered by the commitment half, of which 10.00 USD were left",
        "1.50 USD paid by gift, of which 1.50 USD were left",
        "2.00 USD beyond the commitment half at 110 %: 0.20 USD more",
        "0.00 USD of the 100.00 USD committed as long were used",
    ]


@pytest.mark.parametrize(
    ("invoiced", "asked"),
    [
        ("upfront", [("2026-01-01", "2026-12-31", 100_000, 1)]),
        (
            "quarterly",
            [
                ("2026-01-01", "2026-03-31", 25_000, 1),
                ("2026-04-01", "2026-06-30", 25_000, 2),
                ("2026-07-01", "2026-09-30", 25_000, 3),
                ("2026-10-01", "2026-12-31", 25_000, 4),
            ],
        ),
        ("none", []),
    ],
)
def test_a_prepaid_commitment_is_asked_for_on_its_dates(
    invoiced: str, asked: list[tuple[str, str, int, int]]
) -> None:
    promise = {
        "key": "annual",
        "amount": "1000",
        "period": "year",
        "payment": "prepaid",
        "invoiced": invoiced,
    }
    parts = parts_of(agreed(commitments=[promise]))
    told = [(one.start_date.isoformat(), one.end_date.isoformat(), one.amount_minor) for one in parts]
    assert told == [one[:3] for one in asked]
    assert [one.occasion for one in parts] == [f"commitment:annual:{one[3]}" for one in asked]


def parts_of(agreed_terms: Terms, months: int = 12) -> list[Part]:
    known = chain(agreed_terms)
    return [
        part
        for _, period in zip(range(months), agreed_terms.calendar.periods(), strict=False)
        for part in parts_due(known, period)
    ]


def test_parts_sum_to_the_whole_and_are_counted_over_all_years() -> None:
    promise = {
        "key": "annual",
        "amount": "100",
        "period": "year",
        "payment": "prepaid",
        "invoiced": "monthly",
    }
    parts = parts_of(agreed(commitments=[promise]), months=24)
    assert [one.amount_minor for one in parts] == ([834] * 4 + [833] * 8) * 2
    assert [one.occasion.rpartition(":")[2] for one in parts] == [str(number) for number in range(1, 25)]
    assert text_of(parts[13].share.steps(currency("USD"))[0]) == "part 2 of 12 of 100.00 USD agreed as annual"


def test_a_prepaid_credit_is_asked_for_as_it_begins_unless_no_document_is() -> None:
    paid_for = {
        "key": "a",
        "kind": "prepaid",
        "amount": "5",
        "effective": "2026-02-10",
        "expires": "2026-03-31",
    }
    (part,) = parts_of(
        agreed(credits=[paid_for, paid_for | {"key": "b", "document": "none"}, {"key": "c", "amount": "1"}])
    )
    assert (part.kind, part.occasion, part.amount_minor) == ("prepayment", f"prepayment:{part.block.id}", 500)
    assert (part.due, part.start_date, part.end_date) == (on(2, 10, 0), date(2026, 2, 10), date(2026, 3, 31))
    assert text_of(part.share.steps(currency("USD"))[0]) == "5.00 USD agreed as a"


def test_a_credit_that_is_sold_below_its_amount_is_asked_for_at_what_it_costs() -> None:
    sold = {"key": "a", "kind": "prepaid", "amount": "1000.01", "cost_basis": "0.8"}
    (part,) = parts_of(agreed(credits=[sold]))
    assert (part.amount_minor, part.whole_minor, part.block.amount_minor) == (80_001, 80_001, 100_001)
    assert [text_of(step) for step in part.share.steps(currency("USD"))] == [
        "1000.01 USD granted as a, at 0.8 for each unit of it",
        "800.01 USD agreed as a",
    ]


@pytest.mark.parametrize(
    ("section", "clause", "path", "code"),
    [
        (
            "credits",
            {"key": "a", "amount": "5", "cost_basis": "0.8"},
            "cost_basis",
            "of_another_kind",
        ),
        (
            "credits",
            {"key": "a", "amount": "5", "kind": "prepaid", "cost_basis": "0.0"},
            "cost_basis",
            "of_another_kind",
        ),
        (
            "credits",
            {"key": "a", "amount": "5", "kind": "prepaid", "cost_basis": "1.2"},
            "cost_basis",
            "above_its_amount",
        ),
        (
            "credits",
            {"key": "a", "amount": "5", "expires": "2025-12-31"},
            "expires",
            "expires_before_it_begins",
        ),
        (
            "credits",
            {"key": "a", "amount": "5", "effective": "2026-02-01", "expires": "2026-01-31"},
            "expires",
            "expires_before_it_begins",
        ),
        ("credits", {"key": "a", "amount": "0"}, "amount", "not_positive"),
        ("credits", {"key": "a", "amount": "0.001"}, "amount", "not_whole_minor_units"),
        ("credits", {"key": "a", "amount": "9999999999999999999"}, "amount", "too_large"),
        ("credits", {"key": "a", "amount": "1", "applies_to": ["apo"]}, "applies_to[0]", "no_such_line"),
        ("credits", {"key": "a", "amount": "1", "applies_to": []}, "applies_to", "too_short"),
        ("credits", {"key": "a", "amount": "1", "roll_over": {"max": "1"}}, "roll_over", "without_refill"),
        ("credits", {"key": "a", "amount": "1", "document": "prepayment"}, "document", "of_another_kind"),
        ("credits", {"key": "a", "amount": "1", "unit": "credits"}, "unit", "clause_not_priced_yet"),
        (
            "credits",
            {"key": "a", "amount_per": {"line": "seats"}, "amount": "1"},
            "amount_per",
            "clause_not_priced_yet",
        ),
        ("commitments", {"key": "a", "amount": "0"}, "amount", "not_positive"),
        (
            "commitments",
            {"key": "a", "amount": "1", "overage_percent": "99.9"},
            "overage_percent",
            "overage_below_price",
        ),
        (
            "commitments",
            {"key": "a", "amount": "1", "rollover_percent": "10"},
            "rollover_percent",
            "of_another_payment",
        ),
        ("commitments", {"key": "a", "amount": "1", "invoiced": "monthly"}, "invoiced", "of_another_payment"),
        (
            "commitments",
            {"key": "a", "amount": "1", "payment": "prepaid", "shortfall": "none"},
            "shortfall",
            "of_another_payment",
        ),
        (
            "commitments",
            {"key": "a", "amount": "1", "payment": "prepaid", "rollover_percent": "101"},
            "rollover_percent",
            "too_large",
        ),
    ],
)
def test_what_cannot_be_agreed_is_refused_by_path(
    section: str, clause: dict[str, Any], path: str, code: str
) -> None:
    with pytest.raises(TermsInvalid) as refused:
        agreed(**{section: [clause]})
    assert [(error["path"], error["code"]) for error in refused.value.errors] == [
        (f"{section}[0].{path}", code)
    ]


def test_an_order_names_each_once() -> None:
    with pytest.raises(TermsInvalid) as refused:
        agreed(draw_order=["expiry", "expiry"])
    assert [error["path"] for error in refused.value.errors] == ["draw_order[1]"]


def test_two_commitments_of_one_key_are_refused() -> None:
    with pytest.raises(TermsInvalid) as refused:
        agreed(commitments=[{"key": "a", "amount": "1"}] * 2)
    assert [error["code"] for error in refused.value.errors] == ["duplicate_key"]


WRITTEN_OUT = [
    (
        "commitments",
        {"key": "a", "amount": "1"},
        {
            "period": "term",
            "payment": "postpaid",
            "overage_percent": "100.0",
            "shortfall": "true_up",
            "rollover_percent": "0",
        },
    ),
    (
        "commitments",
        {"key": "a", "amount": "1", "payment": "prepaid"},
        {"invoiced": "upfront", "spread": "in_order"},
    ),
    ("credits", {"key": "a", "amount": "1"}, {"kind": "promotional", "document": "none", "class": "normal"}),
    ("credits", {"key": "a", "amount": "1", "kind": "prepaid"}, {"document": "prepayment"}),
    ("credits", {"key": "a", "amount": "1", "kind": "prepaid"}, {"cost_basis": "1.00"}),
    ("credits", {"key": "a", "amount": "1"}, {"cost_basis": 0}),
]


@pytest.mark.parametrize(("section", "short", "rest"), WRITTEN_OUT)
def test_a_default_written_out_is_the_same(section: str, short: dict[str, Any], rest: dict[str, Any]) -> None:
    absent, whole = agreed(**{section: [short]}), agreed(**{section: [short | rest]})
    assert content_hash(absent) == content_hash(whole) == content_hash(terms(**to_document(whole)))


@pytest.mark.parametrize("section", ["commitments", "credits"])
def test_what_is_agreed_stays(section: str) -> None:
    """Another amount would change what was drawn on; a new one goes beside it."""
    before = agreed(**{section: [{"key": "a", "amount": "1"}]})
    check_amendment(before, agreed(**{section: [{"key": "a", "amount": "1"}, {"key": "b", "amount": "2"}]}))
    for changed in ([{"key": "a", "amount": "2"}], [], [{"key": "b", "amount": "1"}]):
        with pytest.raises(TermsInvalid) as refused:
            check_amendment(before, agreed(**{section: changed}))
        assert [error["path"] for error in refused.value.errors] == [f"{section}.a"]


@pytest.mark.parametrize(
    ("over", "day", "refused"),
    [
        ({}, "2026-02-01", True),
        ({}, "2026-03-10", False),
        ({}, "2026-04-01", False),
        ({"refill": {"every": "month", "anchor": "2026-01-01"}}, "2026-02-01", False),
        ({"effective": "2026-03-10"}, "2026-02-01", False),
        ({"effective": "2026-02-15"}, "2026-02-01", True),
        ({"refill": None}, "2026-02-01", False),
    ],
    ids=["before", "then", "later", "anchored", "begins then", "begins before", "no refill"],
)
def test_refills_are_counted_from_where_they_were_agreed(
    over: dict[str, Any], day: str, refused: bool
) -> None:
    """A prepaid refill came with the second version, in force from 10 March; a third one reaches further back. Counted from
    there, the balances of April and May would be others, and asked for beside those that were."""
    pack = {"key": "pack", "amount": "10", "kind": "prepaid", "refill": {"every": "month"}, **over}
    signed = agreed()
    second = agreed(credits=[pack], effective="2026-03-10")
    third = agreed(credits=[pack], effective=day, draw_order=["id"])
    april = next(one for one in signed.calendar.periods() if one.start_date == date(2026, 4, 1))
    asked, now = (
        {(part.occasion, part.amount_minor) for part in parts_due(chain(*versions), april)}
        for versions in ([signed, second], [signed, second, third])
    )
    if not refused:
        check_amendment(second, third, [signed])
        assert asked == now
        return
    assert asked != now, "what is refused"
    with pytest.raises(TermsInvalid) as told:
        check_amendment(second, third, [signed])
    (error,) = told.value.errors
    assert (error["path"], error["code"]) == ("credits.pack", "refill_moved")
    check_amendment(third, agreed(credits=[pack], effective=day), [signed, second])


@pytest.mark.parametrize(
    ("renewed", "over", "refused"),
    [
        (True, {"effective": "2026-02-10", "renewal": {"auto": False}}, True),
        (True, {"effective": "2026-06-10", "renewal": {"auto": False}, "term": 6}, False),
        (True, {"effective": "2026-01-01", "renewal": {"auto": False}}, False),
        (False, {"effective": "2026-02-10", "term": 12}, True),
        (False, {"effective": "2026-02-10"}, False),
    ],
    ids=["not renewed", "ends as it does", "not begun", "put off", "as it is"],
)
def test_a_period_of_a_commitment_that_runs_keeps_its_end(
    renewed: bool, over: dict[str, Any], refused: bool
) -> None:
    """Six months asked for by the month, in a term of three: cut, the months left would be asked for more than they hold."""
    clause = {
        "key": "half",
        "amount": "12",
        "payment": "prepaid",
        "period": {"months": 6},
        "invoiced": "monthly",
    }
    common = {"commitments": [clause], "lines": [usage_line()]}
    before = {"start": "2026-01-01", "months": 3}
    signed = terms(**common, term=before, renewal={"auto": renewed})
    later = {"renewal": {"auto": renewed}, **over, "term": {**before, "months": over.get("term", 3)}}
    if not refused:
        check_amendment(signed, terms(**common, **later))
        return
    with pytest.raises(TermsInvalid) as told:
        check_amendment(signed, terms(**common, **later))
    (error,) = told.value.errors
    assert (error["path"], error["code"]) == ("commitments.half", "commitment_cut")
    assert "2026-07-01" in error["detail"]


def test_terms_of_before_keep_their_digest() -> None:
    assert document().keys().isdisjoint({"commitments", "credits", "draw_order"})
    assert content_hash(terms(commitments=[], credits=[])) == content_hash(terms())


days = st.integers(0, 89)
BEGIN = datetime(2026, 1, 1, tzinfo=UTC)


@st.composite
def written_blocks(drawn: st.DrawFn) -> list[dict[str, Any]]:
    """Up to four credits whose windows lie anywhere within three months."""
    found = []
    for number in range(drawn(st.integers(1, 4))):
        start = drawn(days)
        block: dict[str, Any] = {
            "key": f"b{number}",
            "amount": str(drawn(st.integers(1, 400))),
            "kind": drawn(st.sampled_from(["prepaid", "promotional"])),
            "effective": (date(2026, 1, 1) + timedelta(days=start)).isoformat(),
        }
        if drawn(st.booleans()):
            block["expires"] = (date(2026, 1, 1) + timedelta(days=drawn(st.integers(start, 95)))).isoformat()
        if drawn(st.booleans()):
            block["priority"] = drawn(st.integers(0, 2))
        found.append(block)
    return found


@given(
    written=written_blocks(),
    used=st.lists(st.tuples(days, st.integers(1, 20_000)), max_size=30),
    late=st.lists(st.tuples(days, st.integers(1, 20_000)), max_size=5),
)
def test_slices_pay_what_event_by_event_would(
    written: list[dict[str, Any]], used: list[tuple[int, int]], late: list[tuple[int, int]]
) -> None:
    """Against a reading event by event in the order of time: each event is paid by the first block in order that holds
    then. When events came plays no part."""
    versions = [agreed(credits=written)]
    events = [("api", BEGIN + timedelta(days=day, hours=5), cents) for day, cents in [*used, *late]]
    months = year(versions, events, months=3)
    found: dict[str, int] = {}
    for priced in months:
        for key, minor in paid(priced).items():
            found[key] = found.get(key, 0) + minor
    blocks = in_order({block.id: block for priced in months for block in priced.blocks}.values())
    left = {block.key: block.amount_minor for block in blocks}
    for _, at, cents in sorted(events, key=lambda one: one[1]):
        for block in blocks:
            if block.effective <= at and (block.ends is None or at < block.ends):
                part = min(cents, left[block.key])
                left[block.key], cents = left[block.key] - part, cents - part
    assert {key: minor for key, minor in found.items() if minor} == {
        block.key: block.amount_minor - left[block.key]
        for block in blocks
        if block.amount_minor != left[block.key]
    }
    event(f"blocks paid: {len(found)}")


@given(
    written=written_blocks(),
    amount=st.integers(1, 500),
    prepaid=st.booleans(),
    used=st.lists(st.tuples(st.sampled_from(["api", "other"]), days, st.integers(1, 20_000)), max_size=20),
)
def test_draws_and_commitments_conserve(
    written: list[dict[str, Any]], amount: int, prepaid: bool, used: list[tuple[str, int, int]]
) -> None:
    """No block below zero, no line paid beyond what it comes to, granted = drawn + lapsed + left; once more gives the
    same."""
    promise = {"key": "p", "amount": str(amount), "period": {"months": 1}, "overage_percent": "120"}
    if prepaid:
        promise |= {"payment": "prepaid", "rollover_percent": "50"}
    lines_ = [usage_line(CENT), usage_line(CENT, key="other", meter="others")]
    versions = [agreed(lines=lines_, credits=written, commitments=[promise])]
    events = [(key, BEGIN + timedelta(days=day, hours=5), cents) for key, day, cents in used]
    months = year(versions, events, months=3)
    assert months == year(versions, events, months=3)
    granted: dict[str, int] = {}
    gone: dict[str, int] = {}
    for priced in months:
        of_line: dict[str, int] = {}
        for one in priced.draws:
            gone[one.block] = gone.get(one.block, 0) + one.amount_minor
            of_line[one.line_id] = of_line.get(one.line_id, 0) + one.amount_minor
        for change in priced.changes:
            if change.kind != "granted":
                gone[change.block] = gone.get(change.block, 0) + change.amount_minor
        granted |= {block.id: block.amount_minor for block in priced.blocks}
        assert all(0 <= of_line.get(line.line_id, 0) <= line.amount_minor for line in priced.lines)
        assert priced.total_minor >= 0
    assert all(0 <= gone.get(block, 0) <= minor for block, minor in granted.items())


dues = st.lists(st.tuples(st.sampled_from("abc"), st.integers(-50, 100)), max_size=8)


@given(
    dues, st.dictionaries(st.sampled_from(["x", "y", "z"]), st.integers(0, 120), min_size=1), st.booleans()
)
def test_draw_never_takes_what_is_not_there(
    written: list[tuple[str, int]], left: dict[str, int], split: bool
) -> None:
    end = on(2, 1)
    amounts = [Due(line, line, "usage", minor, on(1, 1), end) for line, minor in written]
    blocks = [
        Block(name, name, "prepaid", 0, on(1, 1), None, on(1, 1), pro_rata=split) for name in sorted(left)
    ]
    facts = [Draw("x", "a", on(1, 1), 30), Draw("y", "a", on(1, 1), 20)]
    made = draw(amounts, facts, blocks, left)
    for name, minor in left.items():
        assert sum(one.amount_minor for one in made if one.block == name and one.amount_minor > 0) <= minor
    rises, falls = (
        sum(max(minor, 0) for _, minor in written),
        [minor for line, minor in written if line == "a"],
    )
    drawn = sum(one.amount_minor for one in made if one.amount_minor > 0)
    assert drawn == min(rises, sum(left.values()))
    back = [(one.block, -one.amount_minor) for one in made if one.amount_minor < 0]
    for minor in falls:
        assert minor >= 0 or back[0][0] == "y"
