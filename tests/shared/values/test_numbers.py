"""Decimals at the door, money, and ids."""

import threading
import time
from datetime import UTC, datetime
from decimal import Decimal, getcontext

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.values import ids
from shared.values.decimals import (
    PriceUnreadable,
    QuantityOutOfBounds,
    QuantityUnreadable,
    parse_price,
    parse_quantity,
    plain,
    quantity_from_json_number,
)
from shared.values.money import (
    Money,
    NothingToAllocateTo,
    Rounding,
    UnknownCurrency,
    allocate,
    currency,
    format_minor,
    round_to,
    settle,
    share,
)

USD, JPY, KWD = currency("USD"), currency("JPY"), currency("KWD")


@pytest.mark.parametrize("text", ["0", "12.5", "-3", "+7", "9999999999999999999.999999999999", "007"])
def test_a_plain_quantity_is_read(text: str) -> None:
    assert parse_quantity(text) == Decimal(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        " 1",
        "1\n",
        "1_000",
        "1,5",
        "NaN",
        "Infinity",
        "1e5",
        "0e-999999999",
        "١٢",
        "１",
        ".5",
        "5.",
        "--1",
        "0x10",
    ],
)
def test_what_is_not_a_plain_number_is_unreadable(text: str) -> None:
    with pytest.raises(QuantityUnreadable, match="plain decimal number"):
        parse_quantity(text)


@pytest.mark.parametrize("text", ["10000000000000000000", "0.1234567890123", "9" * 5000])
def test_too_many_digits_are_out_of_bounds(text: str) -> None:
    with pytest.raises(QuantityOutOfBounds, match="19 integer digits"):
        parse_quantity(text)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1e3", "1000"),
        ("1.5E+2", "150"),
        ("-0", "0"),
        ("-0.0", "0"),
        ("25e-1", "2.5"),
        ("1.500000000000000000", "1.5"),
        ("0e99", "0"),
        ("1e18", "1000000000000000000"),
        ("9999999999999999999", "9999999999999999999"),
        ("-12.25", "-12.25"),
    ],
)
def test_a_json_number_is_read_from_its_text(text: str, value: str) -> None:
    assert quantity_from_json_number(text) == Decimal(value) and "E" not in str(
        quantity_from_json_number(text)
    )


@pytest.mark.parametrize(
    "text",
    [
        "1e400",
        "1e1000000",
        "1e19",
        "1e-13",
        "0.1234567890123",
        "1e99",
        "1e00000000000400",
        "12345678901234567890",
    ],
)
@pytest.mark.timeout(10)  # arithmetic on 1e1000000 takes half a minute
def test_a_json_number_out_of_bounds_is_refused_before_any_arithmetic(text: str) -> None:
    with pytest.raises(QuantityOutOfBounds):
        quantity_from_json_number(text)


@pytest.mark.parametrize(
    "text", ["NaN", "Infinity", "01", "+1", ".5", "1.", "1e", "0x1", "9" * 65, '"1"', "true"]
)
def test_what_json_does_not_call_a_number_is_unreadable(text: str) -> None:
    with pytest.raises(QuantityUnreadable):
        quantity_from_json_number(text)


def test_a_price_has_up_to_twenty_decimals() -> None:
    assert parse_price("0.00000000000000000001") == Decimal("1e-20")
    for text in ("0.000000000000000000001", "1e-5", "NaN", ""):
        with pytest.raises(PriceUnreadable):
            parse_price(text)


@pytest.mark.parametrize(
    ("number", "text"),
    [
        ("1E+3", "1000"),
        ("1.500", "1.5"),
        ("-0", "0"),
        ("-0.00", "0"),
        ("0E-9", "0"),
        ("-2.50", "-2.5"),
        ("100", "100"),
    ],
)
def test_plain_has_no_exponent_and_no_trailing_zeros(number: str, text: str) -> None:
    assert plain(Decimal(number)) == text


@given(st.decimals(allow_nan=False, allow_infinity=False, places=12, min_value=-(10**18), max_value=10**18))
def test_plain_keeps_the_value(number: Decimal) -> None:
    assert Decimal(plain(number)) == number


def test_threads_compute_with_fifty_digits() -> None:
    found: list[int] = []
    thread = threading.Thread(target=lambda: found.append(getcontext().prec))
    thread.start()
    thread.join()
    assert found == [50] and getcontext().prec == 50


def test_currencies_have_their_own_exponent() -> None:
    assert (USD.exponent, JPY.exponent, KWD.exponent) == (2, 0, 3)
    written = [
        format_minor(61155000, USD),
        format_minor(1000000, JPY),
        format_minor(-5, KWD),
        format_minor(0, USD),
    ]
    assert written == ["611550.00", "1000000", "-0.005", "0.00"]
    for code in ("usd", "XAU", "ZZZ", ""):
        with pytest.raises(UnknownCurrency):
            currency(code)


@pytest.mark.parametrize(
    ("mode", "up", "down"),
    [
        ("half_up", 1, -1),
        ("half_even", 0, 0),
        ("half_down", 0, 0),
        ("up", 1, -1),
        ("down", 0, 0),
        ("ceiling", 1, 0),
        ("floor", 0, -1),
    ],
)
def test_a_tie_is_rounded_by_the_mode(mode: str, up: int, down: int) -> None:
    assert (
        settle(Decimal("0.005"), USD, Rounding(mode)),
        settle(Decimal("-0.005"), USD, Rounding(mode)),
    ) == (Money(up, USD), Money(down, USD))


def test_rounding_may_reach_left_of_the_point() -> None:
    assert plain(round_to(Decimal("1250"), -2, Rounding.HALF_UP)) == "1300"


def test_a_share_by_days_is_exact_where_it_can_be() -> None:
    assert share(Decimal("31"), 15, 31) == 15 and share(Decimal("0.1"), 7, 7) == Decimal("0.1")
    assert str(share(Decimal(100), 1, 3)) == "33." + "3" * 48


def test_largest_remainder_gives_the_rest_to_the_largest_fractions_and_ties_to_the_first() -> None:
    assert (
        allocate(100, [1, 1, 1]) == [34, 33, 33]
        and allocate(80, [20, 30, 40]) == [18, 27, 35]
        and allocate(-5, [1, 1]) == [-3, -2]
    )
    for weights in ([], [0, 0], [1, -1]):
        with pytest.raises(NothingToAllocateTo):
            allocate(10, weights)


def test_ids_sort_by_the_time_they_were_made() -> None:
    made = []
    for _ in range(5):
        made.append(ids.new_id("inv"))
        time.sleep(0.002)
    assert made == sorted(made) and len(set(made)) == 5 and all(len(one) == len("inv_") + 22 for one in made)


def test_ids_made_in_one_go_sort_in_their_order() -> None:
    made = ids.new_ids("inv", 500)
    assert made == sorted(made) and len(set(made)) == 500 and ids.new_ids("inv", 0) == []


def test_derived_ids_are_the_same_on_every_replay_and_never_collide_by_concatenation() -> None:
    start = datetime(2026, 1, 1, tzinfo=UTC)
    assert (
        ids.clause_id("acme", "lines", "api")
        == ids.clause_id("acme", "lines", "api")
        == "6707af6d-aac0-5fbf-837d-9315a4f90c99"
    )
    assert ids.clause_id("ab", "c", "d") != ids.clause_id("a", "bc", "d")
    assert (
        ids.line_id("acme", "clause", start, "usage")
        != ids.line_id("acme", "clause", start, "minimum")
        != ids.statement_id("acme", start)
    )
