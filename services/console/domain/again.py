"""A form that was sent and may have had no effect, so that it is sent again without being typed again."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from services.console.domain.parts import Cell, Fact, Facts, Field, Form

#: A form's own, which it gets anew or keeps.
OWN: Final = ("csrf", "idempotency_key")


@dataclass(frozen=True, slots=True)
class Sent:
    """What came: by which key it is one effect, and its fields in their order, of one name several too."""

    once: str
    fields: Iterable[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Again:
    """What was sent, to read, and the form that sends the same again: with the same key, so it is one effect."""

    sent: Facts
    form: Form


def again(sent: Sent, action: str, csrf: str) -> Again:
    fields = [(name, text) for name, text in sent.fields if name not in OWN]
    facts = tuple(Fact(name, (Cell.of(text),)) for name, text in fields if text)
    hidden = tuple(Field(name, "", text, "hidden") for name, text in fields)
    return Again(Facts("sent", facts), Form("again", action, "Send it again", csrf, sent.once, hidden))
