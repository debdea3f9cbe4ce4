"""Forms as they were sent, and what stands beside one that had no effect: which it was, what was typed, and why."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec

from shared.errors import AppError, Kind

ANEW: Final = "open the page anew and decide there"
_TAG: Final = re.compile(r'(?:W/)?"[!#-~]{0,200}"', re.ASCII)


class SeenUnreadable(AppError):
    """This form does not say what was looked at; nothing was decided."""

    kind = Kind.MALFORMED


@dataclass(frozen=True, slots=True)
class Tried:
    """A form that had no effect: which of its page, what was typed, and why; `act` is "" where none was sent."""

    act: str = ""
    typed: Mapping[str, str] = field(default_factory=dict)
    fault: str = ""

    @classmethod
    def of(cls, act: str, typed: Mapping[str, str], refused: AppError) -> "Tried":
        """A form whose effect a service refused."""
        return cls(act, typed, words_of(refused))

    def at(self, act: str) -> "Tried":
        """What belongs to this form of the page: nothing of another."""
        return self if self.act == act else NOT_TRIED

    def text(self, name: str, otherwise: str = "") -> str:
        """What was typed into a field; where none was sent, what stands there at first."""
        return self.typed.get(name, otherwise)


NOT_TRIED: Final = Tried()


def texts_of(sent: Mapping[str, object]) -> dict[str, str]:
    """The texts of a form, by the names of their fields; of several of one name the last."""
    return {name: value for name, value in sent.items() if isinstance(value, str)}


def words_of(refused: AppError) -> str:
    """Why something was refused, and what to do."""
    return refused.title if refused.detail in ("", refused.title) else f"{refused.title} {refused.detail}"


def seen_in(text: str) -> object:
    """What a page had shown, as its form says it in a hidden field. Raises SeenUnreadable."""
    try:
        return msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeEncodeError, RecursionError) as fault:
        raise SeenUnreadable(ANEW) from fault


def members_in(text: str) -> dict[str, Any]:
    """The same where it has several parts, by their names. Raises SeenUnreadable."""
    seen = seen_in(text)
    if not isinstance(seen, dict):
        raise SeenUnreadable(ANEW)
    return seen


def version_in(text: str) -> str:
    """The version that a page had shown, as an ETag; "" where it had shown none. Raises SeenUnreadable."""
    if text and not _TAG.fullmatch(text):
        raise SeenUnreadable(ANEW)
    return text


def shown_as(seen: object) -> str:
    """What is shown, as a form says it that is about that alone."""
    return msgspec.json.encode(seen).decode()
