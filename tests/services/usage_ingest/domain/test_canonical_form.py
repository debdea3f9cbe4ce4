"""Laws of the body hash: it sees what an event says, not how it is written."""

import json
from decimal import Decimal

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from services.usage_ingest.domain.catalogue import Catalogue
from services.usage_ingest.domain.numbers import Unfit, number_of, text_of
from services.usage_ingest.domain.payload import canonical, read_data
from tests.services.usage_ingest.circumstances import event, judge

quantities = st.decimals(min_value=Decimal(-(10**19)) + 1, max_value=Decimal(10**19) - 1, places=12)
spellings = st.tuples(st.sampled_from(["plain", "exponent", "zeros"]), st.integers(-12, 12))
texts = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=20)
scalars = st.none() | st.booleans() | st.integers(-(10**18), 10**18) | texts
properties = st.dictionaries(texts, scalars | st.lists(scalars, max_size=3), max_size=8)


def spelled(number: Decimal, how: str, shift: int) -> str:
    """The same number as another JSON literal."""
    if how == "exponent":
        return f"{number.scaleb(-shift):f}e{shift:+d}"
    return f"{number:f}" + ("0" * abs(shift) if how == "zeros" else "")


@given(quantities, spellings)
def test_a_number_is_read_exactly_however_it_is_written(number: Decimal, spelling: tuple[str, int]) -> None:
    literal = spelled(number, *spelling)
    found = number_of(literal)
    assert not isinstance(found, Unfit), literal
    assert Decimal(text_of(found)) == number
    plain = number_of(spelled(number, "plain", 0))
    assert not isinstance(plain, Unfit)
    assert found == plain or text_of(found) == text_of(plain)


@given(st.from_regex(r"-?(0|[1-9][0-9]{0,80})(\.[0-9]{1,80})?([eE][+-]?[0-9]{1,12})?", fullmatch=True))
def test_any_json_number_is_kept_exactly_or_refused(literal: str) -> None:
    found = number_of(literal)
    if not isinstance(found, Unfit):
        assert Decimal(text_of(found)) == Decimal(literal)
        assert text_of(found) == "0" or not text_of(found).endswith(".")


@given(properties, st.randoms())
def test_order_of_keys_and_white_space_do_not_change_the_hash(
    data: dict[str, object], random: object
) -> None:
    shuffled = list(data.items())
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    spaced = json.dumps(event(data=dict(shuffled)), indent=2, ensure_ascii=True).encode()
    (_, first), (_, second) = judge(event(data=data), spaced, known=Catalogue()).published
    assert (first.body_hash, bytes(first.data)) == (second.body_hash, bytes(second.data))


@given(properties)
def test_canonical_json_is_a_fixed_point(data: dict[str, object]) -> None:
    once = canonical(read_data(msgspec.json.encode(data))[0])
    assert canonical(read_data(once)[0]) == once


@given(st.sampled_from(["type", "subject", "time", "data"]))
def test_every_part_of_the_body_counts(part: str) -> None:
    other = {
        "type": "arrival",
        "subject": "AA",
        "time": "2013-07-15T11:00:00.000001Z",
        "data": {"distance": 1401, "tail": "N1"},
    }[part]
    (_, first), (_, second) = judge(event(), event(**{part: other}), known=Catalogue()).published
    assert first.body_hash != second.body_hash


def test_one_instant_in_two_offsets_is_one_body() -> None:
    (_, first), (_, second) = judge(
        event(), event(time="2013-07-15T16:45:00.000000+05:45"), known=Catalogue()
    ).published
    assert first.body_hash == second.body_hash


def test_numbers_normalise_as_documented() -> None:
    assert canonical(
        read_data(b'{"b":[1.0,1e0,1,-0.0,0.50,12e-1,-5E2],"a":100000000000000000000.10}')[0]
    ) == (b'{"a":100000000000000000000.1,"b":[1,1,1,0,0.5,1.2,-500]}')
