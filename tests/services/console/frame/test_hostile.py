"""Whatever a text is, on a page it is a text: the page with it has the elements and attributes of one with a plain word,
and what is read there is what it was, with what nobody can see made visible."""

from collections import Counter
from html.parser import HTMLParser

import pytest

from services.console.domain.text import visible
from tests.services.console.frame.pages import frame, tried
from tests.services.console.hostile import HOSTILE

#: Where the page as a whole does not depend on the text.
FOLLOWED = ("href", "action", "src", "hx-get")


class Read(HTMLParser):
    """The elements of a page with the names of their attributes, what they lead to, and its texts."""

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, tuple[str, ...]]] = []
        self.led: list[str] = []
        self.texts: Counter[str] = Counter()
        self.values: Counter[str] = Counter()
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, tuple(name for name, _ in attrs)))
        self.led += [value or "" for name, value in attrs if name in FOLLOWED]
        self.values.update(value for name, value in attrs if name == "value" and value)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)

    def handle_data(self, data: str) -> None:
        self.texts[data.strip()] += 1


def outline(page: str) -> list[tuple[str, tuple[str, ...]]]:
    """Without the title that says the whole of what is cut, and the mark of the option that is chosen."""
    return [
        (tag, tuple(name for name in names if name not in ("title", "selected")))
        for tag, names in Read(page).elements
        if tag != "span"
    ]


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_a_page_with_it_is_built_like_one_with_a_plain_word(text: str) -> None:
    assert outline(tried(text)) == outline(tried("plain"))


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_it_is_read_as_what_it_was_and_leads_nowhere(text: str) -> None:
    read = Read(tried(text))
    shown = visible(text).strip()
    assert read.texts[f"{shown} · usage-to-cash"] == 1
    assert read.texts[shown] >= 20
    assert all(led.startswith(("/", "#")) and not led.startswith("//") for led in read.led)


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_what_was_typed_goes_back_into_its_field_unchanged(text: str) -> None:
    """It would otherwise be sent changed the next time; a browser itself leaves out what no form can send."""
    typed = text.replace("\ud800", "\ufffd")
    assert Read(tried(typed)).values[typed] >= 4


def test_a_page_is_text_that_can_be_sent() -> None:
    for text in HOSTILE.values():
        assert len(tried(text).encode()) > 5_000


def test_the_name_of_who_reads_is_a_text_too() -> None:
    assert frame("<b>").person == "<b>"
