"""The one law of names: how long each kind may be and of which characters it may consist. Everybody takes it
from here.

A name is compared in Unicode NFC, so two spellings of it are one name, and is otherwise kept as sent: nothing
is stripped or folded. A name that is *given* (an event's, a customer's, a meter's event type) has no
character that a reader cannot see: no control (Cc), format (Cf) or separator (Zl, Zp, and Zs but the plain
space), no filler, and no space at its ends. U+200D stays between two emoji, which it makes one. A name that
is *asked* for may have any character a store can hold, for what was stored before this law can still be
found, explained and voided. Both have the same length.
"""

import hashlib
import re
import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

_FACTOR_MAX = 4  # characters that NFC may make one
_UTF8_BYTES_MAX = 4  # of one character
_JOINER, _EMOJI_STYLE = "\u200d", "\ufe0f"
# letters and marks that show nothing, though Unicode calls them none of the above
_FILLERS = frozenset("\u034f\u115f\u1160\u3164\uffa0")
_HIDDEN = frozenset(("Cc", "Cf", "Cs", "Zl", "Zp", "Zs"))
_PLAIN = re.compile(r"[!-~](?:[ -~]*[!-~])?").fullmatch
SHOWN_MAX = 60


@dataclass(frozen=True, slots=True)
class Rule:
    """The length of one kind of name, in characters and in bytes of UTF-8, both of its NFC form."""

    what: str
    characters_max: int
    bytes_max: int


Law = Callable[[Rule, str], str]  # given, or asked

#: What an event is called, whose usage it is and what happened. A subject is also a customer's external id or
#: alias; all of them key indexes.
EVENT_ID: Final = Rule("id", 255, 1020)
#: A URI reference, which may be long.
SOURCE: Final = Rule("source", 1024, 1024)
EVENT_TYPE: Final = Rule("type", 255, 1020)
SUBJECT: Final = Rule("subject", 255, 1020)
#: By which a pasted API key is told from a name.
API_KEY_PREFIX: Final = "u2c_live_"
#: An Idempotency-Key header.
IDEMPOTENCY_KEY: Final = Rule("Idempotency-Key", 255, 1020)
#: Who acts, as U2C-Actor names it: a user's id, an address of mail, a program.
ACTOR_CHARACTERS_MAX: Final = 128
ACTOR: Final = r"[A-Za-z0-9][A-Za-z0-9._:@+-]{0,127}"
#: A text in an event's data, and so a value that a matrix row may name.
DATA_TEXT: Final = Rule("text", 1024, 1024)
STORABLE: Final = r"^[^\x00]+$"
STORABLE_OR_EMPTY: Final = r"^[^\x00]*$"
#: A value that a meter's filter accepts: what metering compares it with stands as a hash where it is longer.
FILTER_VALUE: Final = Rule("value", 128, 128)
#: Text for people, not compared with anything: a customer's name, a line's description, what a key is for.
LABEL_CHARACTERS_MAX: Final = 200
LABEL: Final = r"^[^\x00-\x1f\x7f]*$"
#: Names that people make up for what they enter (contracts, lines, meters, plans, legal entities): they go
#: into addresses and ids as they are.
KEY_CHARACTERS_MAX: Final = 100
KEY: Final = r"[A-Za-z0-9][A-Za-z0-9._:-]{0,99}"
#: What usage of a type that no meter takes is counted under, so no meter's name begins like it.
UNMETERED: Final = "type:"
METER_OR_TYPE: Final = Rule(
    "meter", len(UNMETERED) + EVENT_TYPE.characters_max, len(UNMETERED) + EVENT_TYPE.bytes_max
)
#: A dotted path into an event's data: up to four names. A meter's dimensions are such paths.
PATH: Final = r"[A-Za-z0-9_-]{1,64}(\.[A-Za-z0-9_-]{1,64}){0,3}"
DIMENSIONS_MAX: Final = 5  # of one meter
#: An id that the product gives: a prefix with letters and digits, or a uuid.
GIVEN_ID: Final = r"[A-Za-z0-9_-]{1,64}"
#: A code, a kind, an owner, an invoice's number: a word of the product's own that a list is filtered by.
WORD: Final = Rule("word", 200, 800)
#: What an exception is about: "meter/subject" at its longest.
REFERENCE: Final = Rule(
    "reference", KEY_CHARACTERS_MAX + 1 + SUBJECT.characters_max, KEY_CHARACTERS_MAX + 1 + SUBJECT.bytes_max
)
#: What can be kept of a name that was refused, so that it can still be looked for by it.
KEPT_MAX_BYTES: Final = 1024


class NameFault(ValueError):
    """A name outside the law: `code` is name_missing, name_character or name_length; `detail` names fault and
    remedy."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail


def normalised(text: str) -> str:
    """The text in NFC."""
    return text if text.isascii() else unicodedata.normalize("NFC", text)


def given(rule: Rule, text: str) -> str:
    """The name in NFC; raise NameFault for one that nobody may give."""
    if len(text) <= rule.characters_max and _PLAIN(text):
        return text
    name = _sized(rule, _normalised(rule, text))
    if name[0] == " " or name[-1] == " ":
        raise NameFault(
            "name_character", f"`{rule.what}` {shown(name)} begins or ends with a space; remove it"
        )
    if hidden := _hidden_in(name):
        raise NameFault(
            "name_character",
            f"`{rule.what}` {shown(name)} contains U+{ord(hidden):04X}, which nobody can see; remove it",
        )
    return name


def asked(rule: Rule, text: str) -> str:
    """The name in NFC as somebody asks for it; raise NameFault for one that no store can hold."""
    return verbatim(rule, _normalised(rule, text))


def verbatim(rule: Rule, text: str) -> str:
    """The text as it is, for what is compared byte by byte; raise NameFault for one that no store can
    hold."""
    _sized(rule, text)
    if letter := unstorable(text):
        raise NameFault(
            "name_character",
            f"`{rule.what}` {shown(text)} contains U+{ord(letter):04X}, which no store can hold; remove it",
        )
    return text


def unstorable(text: str) -> str | None:
    """Return the first character that no store can hold: NUL, or half a surrogate pair."""
    if text.isascii():
        return "\0" if "\0" in text else None
    return next((letter for letter in text if letter == "\0" or "\ud800" <= letter <= "\udfff"), None)


def kept(text: str) -> str:
    """As much of a refused name as is kept beside its bytes: in NFC, without what no store can hold, cut to
    KEPT_MAX_BYTES."""
    start = text[: _FACTOR_MAX * KEPT_MAX_BYTES].encode(errors="replace").decode().replace("\0", "\ufffd")
    return normalised(start).encode()[:KEPT_MAX_BYTES].decode(errors="ignore")


def dimension_value(text: str) -> str:
    """A value as usage is kept apart by it: as it is, or, so that no key outgrows an index page, its hash."""
    if len(text) * _UTF8_BYTES_MAX <= FILTER_VALUE.bytes_max:
        return text
    encoded = text.encode()
    return text if len(encoded) <= FILTER_VALUE.bytes_max else "sha256:" + hashlib.sha256(encoded).hexdigest()


def shown(text: str) -> str:
    """The start of a text of a caller's, escaped: fit for an answer, a log line and a console."""
    return ascii(text if len(text) <= SHOWN_MAX else text[:SHOWN_MAX] + "…")


def hidden_places(text: str) -> Iterator[int]:
    """Where in a text a character stands that nobody can see."""
    if text.isprintable() and (text.isascii() or _FILLERS.isdisjoint(text)):
        return
    for place, letter in enumerate(text):
        if letter == _JOINER and 0 < place < len(text) - 1 and _joins(text[place - 1], text[place + 1]):
            continue
        if letter in _FILLERS or (letter != " " and unicodedata.category(letter) in _HIDDEN):
            yield place


def _normalised(rule: Rule, text: str) -> str:
    """In NFC, unless it is far too long: normalising takes time that grows with the square of a run of
    marks."""
    return normalised(text) if len(text) <= _FACTOR_MAX * rule.characters_max else text


def _sized(rule: Rule, name: str) -> str:
    if not name:
        raise NameFault("name_missing", f"`{rule.what}` is empty")
    if len(name) > rule.characters_max:
        raise NameFault(
            "name_length",
            f"`{rule.what}` {shown(name)} has {len(name)} characters; at most {rule.characters_max} are taken: shorten it",
        )
    if len(name.encode(errors="surrogatepass")) > rule.bytes_max:
        raise NameFault(
            "name_length",
            f"`{rule.what}` {shown(name)} has more than {rule.bytes_max} bytes in UTF-8; shorten it",
        )
    return name


def _hidden_in(name: str) -> str | None:
    """The first character that nobody can see."""
    return next((name[place] for place in hidden_places(name)), None)


def _joins(before: str, after: str) -> bool:
    return (before == _EMOJI_STYLE or _is_emoji(before)) and _is_emoji(after)


def _is_emoji(letter: str) -> bool:
    """Pictures, arrows that join them, and the range Unicode adds new ones to, skin tones included."""
    return (
        "\U0001f000" <= letter <= "\U0001faff" or letter == "\u2194" or unicodedata.category(letter) == "So"
    )
