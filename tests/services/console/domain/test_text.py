"""What nobody can see is made visible, what is too long is cut, and nothing else is changed."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.console.domain.text import CUT, label, visible
from shared.values.names import hidden_places


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Acme & Söhne <b>", "Acme & Söhne <b>"),
        ("a\u202eb", "a⟨U+202E⟩b"),
        ("\x00", "⟨U+0000⟩"),
        ("a\tb\nc", "a⟨U+0009⟩b⟨U+000A⟩c"),
        ("zero\u200bwidth", "zero⟨U+200B⟩width"),
        ("half \ud800", "half ⟨U+D800⟩"),
        ("👩\u200d💻", "👩\u200d💻"),
        ("a\u200db", "a⟨U+200D⟩b"),
        ("", ""),
    ],
)
def test_what_nobody_sees_stands_as_its_code(text: str, shown: str) -> None:
    assert visible(text) == shown


@given(st.text())
def test_all_of_it_can_be_seen_and_the_rest_stays(text: str) -> None:
    shown = visible(text)
    assert not any(
        unicodedata.category(letter) in ("Cc", "Cf", "Cs", "Zl", "Zp")
        for letter in shown
        if letter != "\u200d"
    )
    seen = "".join(letter for place, letter in enumerate(text) if place not in set(hidden_places(text)))
    codes = [f"⟨U+{ord(text[place]):04X}⟩" for place in hidden_places(text)]
    for code in codes:
        shown = shown.replace(code, "", 1)
    assert len(shown) == len(seen)


@given(st.text(max_size=200), st.integers(2, 80))
def test_a_cut_text_says_that_it_is_cut_and_keeps_the_whole(text: str, most: int) -> None:
    short = label(text, most)
    assert len(short.text) <= most
    assert short.whole == text
    assert short.is_cut == (short.text != text) == (len(text) > most)
    if short.is_cut:
        assert text.startswith(short.text.removesuffix(CUT))


def test_a_letter_is_not_parted_from_its_marks() -> None:
    assert label("abce\u0301\u0301\u0301f", 5).text == "abc" + CUT


def test_marks_alone_are_cut_too() -> None:
    assert len(label("a" + "\u0301" * 10_000, 60).text) <= 60
