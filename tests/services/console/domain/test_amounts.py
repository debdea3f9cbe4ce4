"""The digits that the API said, in groups."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.console.domain.amounts import GROUP, Amount, NumberUnreadable, grouped, size_of
from shared.values.money import currency, format_minor

DIGITS = st.text("0123456789", min_size=1, max_size=40)
NUMBERS = st.builds(
    lambda sign, whole, fraction: sign + whole + (f".{fraction}" if fraction else ""),
    st.sampled_from(["", "-"]),
    DIGITS,
    st.text("0123456789", max_size=60),
)


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("0", "0"),
        ("7", "7"),
        ("999.90", "999.90"),
        ("1000", "1,000"),
        ("-1234567.50", "-1,234,567.50"),
        ("123456", "123,456"),
        ("0.123456789", "0.123456789"),
        ("-0.00", "-0.00"),
        ("007000", "007,000"),
    ],
)
def test_a_number_is_grouped_and_otherwise_as_it_was_said(said: str, shown: str) -> None:
    assert grouped(said) == shown


@given(NUMBERS)
def test_without_its_groups_it_is_what_the_api_said(said: str) -> None:
    shown = grouped(said)
    assert shown.replace(GROUP, "") == said
    whole = shown.lstrip("-").split(".")[0]
    assert [len(group) for group in whole.split(GROUP)][1:] == [3] * whole.count(GROUP)
    assert size_of(said) == Decimal(said)


@given(st.integers(-(10**18), 10**18), st.sampled_from(["USD", "JPY", "KWD"]))
def test_an_amount_keeps_the_decimals_of_its_currency(minor: int, code: str) -> None:
    said = format_minor(minor, currency(code))
    assert Amount(code, said).shown == f"{code} {grouped(said)}"
    assert len(said.partition(".")[2]) == currency(code).exponent


@pytest.mark.parametrize(
    "said", ["", "-", ".5", "5.", "1e6", "NaN", "1,000", "1 000", "٣", "1\n", "--1", "+1", "0x1", "1.2.3"]
)
def test_what_is_no_plain_number_is_refused_and_named(said: str) -> None:
    for read in (grouped, size_of):
        with pytest.raises(NumberUnreadable, match="is no plain decimal number"):
            read(said)
