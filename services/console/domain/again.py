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
    """What was sent, to read, and the form that sends the same again: with the same key, so it is one effect; None where the
    same would be refused again."""

    sent: Facts
    form: Form | None


def again(sent: Sent, action: str, csrf: str, *, is_sent_again: bool) -> Again:
    fields = [(name, text) for name, text in sent.fields if name not in OWN]
    facts = Facts("sent", tuple(Fact(name, (Cell(text),)) for name, text in fields if text))
    if not is_sent_again:
        return Again(facts, None)
    hidden = tuple(Field(name, "", text, "hidden") for name, text in fields)
    return Again(facts, Form("again", action, "Send it again", csrf, sent.once, hidden))
