"""The law of names: what is one name, what is none, and what is still found that was stored before it."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.values import names
from shared.values.names import KEPT_MAX_BYTES, NameFault, asked, kept
from shared.values.names import given as given_name

RULES = [names.EVENT_ID, names.SOURCE, names.EVENT_TYPE, names.SUBJECT]
ANY = st.text(st.characters(), max_size=40)  # half surrogate pairs too


def code(name: str, rule: names.Rule = names.SUBJECT) -> str:
    with pytest.raises(NameFault) as fault:
        given_name(rule, name)
    assert fault.value.detail.isascii() and fault.value.detail.isprintable()
    return fault.value.code


@pytest.mark.parametrize(
    "name",
    [
        "acme",
        "Acme Corp",
        "a/b",
        "100%",
        "日本",
        "é" * 255,
        "😀" * 255,
        "👩\u200d💻",
        "❤\ufe0f\u200d🔥",
        "🏳\ufe0f\u200d🌈",
        "👩🏽\u200d🚀",
        "🙂\u200d↔\ufe0f",
        "\ufffd",
        "\ue000",
    ],
)
def test_a_name_people_can_see_is_taken(name: str) -> None:
    assert given_name(names.SUBJECT, name) == unicodedata.normalize("NFC", name)


@pytest.mark.parametrize(
    "hidden",
    [
        " a",
        "a ",
        "\ta",
        "a\n",
        "a\0",
        "a\x7f",
        "a\x85b",
        "a\u00adb",
        "a\u200bb",
        "a\u200cb",
        "a\u200db",
        "👩\u200d",
        "\u200d💻",
        "a\u200e",
        "a\u2060b",
        "\ufeffa",
        "a\u00a0b",
        "a\u3000b",
        "a\u2028b",
        "a\u2029b",
        "a\u034fb",
        "a\u3164b",
        "\U000e0041",
        "\ud800",
    ],
)
def test_what_nobody_can_see_is_no_part_of_a_name(hidden: str) -> None:
    assert code(hidden) == "name_character"


def test_two_spellings_are_one_name_and_bounds_are_those_of_its_composed_form() -> None:
    assert given_name(names.SUBJECT, "e\u0301" * 255) == "é" * 255
    assert code("e\u0301" * 256) == code("x" * 256) == code("x" * 10**6) == "name_length"
    assert given_name(names.SOURCE, "x" * 1024) and code("é" * 513, names.SOURCE) == "name_length"
    assert code("") == "name_missing"


@pytest.mark.parametrize("rule", RULES)
@given(name=ANY)
def test_what_is_given_can_be_asked_for_in_every_spelling(rule: names.Rule, name: str) -> None:
    try:
        stored = given_name(rule, name)
    except NameFault:
        return
    for spelling in (name, unicodedata.normalize("NFD", name), unicodedata.normalize("NFC", name)):
        assert given_name(rule, spelling) == asked(rule, spelling) == stored
    assert 0 < len(stored) <= rule.characters_max and len(stored.encode()) <= rule.bytes_max


@pytest.mark.parametrize("name", ["acme ", "ac\u200bme", "a\tb"])
def test_what_was_stored_before_the_law_is_still_found(name: str) -> None:
    assert code(name) == "name_character" and asked(names.SUBJECT, name) == name


@given(name=st.text(st.characters(), max_size=3000))
def test_as_much_of_a_refused_name_is_kept_as_a_database_and_an_index_take(name: str) -> None:
    found = kept(name)
    assert len(found.encode()) <= KEPT_MAX_BYTES and "\0" not in found and kept(found) == found
    assert kept(unicodedata.normalize("NFD", found)) == found or len(found.encode()) > KEPT_MAX_BYTES - 16


def test_a_long_run_of_marks_is_not_normalised() -> None:
    """Normalising sorts marks in time that grows with the square of their number: half a megabyte would hold
    the door for minutes."""
    marks = "a" + "\u0301\u0316" * 100_000
    assert code(marks) == "name_length" and len(kept(marks).encode()) <= KEPT_MAX_BYTES
