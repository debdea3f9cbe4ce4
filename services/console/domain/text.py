"""Text from outside as a page shows it: what a reader cannot see is made visible, what is too long is cut."""

import unicodedata
from dataclasses import dataclass

from shared.values.names import hidden_places

LABEL_CHARACTERS_MAX = 60
CUT = "…"


@dataclass(frozen=True, slots=True)
class Label:
    """A text where there is little room; `whole` is all of it."""

    text: str
    whole: str

    @property
    def is_cut(self) -> bool:
        return self.text != self.whole


def label(text: str, characters_max: int = LABEL_CHARACTERS_MAX) -> Label:
    """The text, cut to `characters_max` characters; no letter is parted from its marks."""
    if len(text) <= characters_max:
        return Label(text, text)
    end = characters_max - len(CUT)
    while end > 1 and unicodedata.combining(text[end]):
        end -= 1
    return Label(text[:end] + CUT, text)


def visible(text: str) -> str:
    """The text with each character that nobody can see, controls of direction among them, as its code: ⟨U+202E⟩."""
    places = set(hidden_places(text))
    if not places:
        return text
    return "".join(
        f"⟨U+{ord(letter):04X}⟩" if place in places else letter for place, letter in enumerate(text)
    )
