"""The texts that identify: id, source, type, subject. Compared as Unicode NFC, otherwise kept as sent: nothing is stripped or folded."""

import unicodedata

from services.usage_ingest.domain.faults import EventFault, shown
from services.usage_ingest.domain.limits import ID_MAX_CHARACTERS, TEXT_MAX_BYTES

ATTRIBUTES = ("id", "source", "type", "subject")


def normalised(text: str) -> str:
    """The text in NFC: two spellings of one name are one name."""
    return text if text.isascii() else unicodedata.normalize("NFC", text)


def read_name(attribute: str, value: str | None) -> str:
    """Return one identifying attribute, normalised; raise EventFault when it is missing, too long or holds a NUL."""
    if not value:
        raise EventFault("attribute_missing", f"`{attribute}` is missing; every event names its id, source, type and subject")
    if "\0" in value:
        raise EventFault("text_has_nul", f"`{attribute}` {shown(value)} contains a NUL character; remove it")
    name = normalised(value)
    if attribute == "id" and len(name) > ID_MAX_CHARACTERS:
        raise EventFault("attribute_too_long", f"`id` has {len(name)} characters; at most {ID_MAX_CHARACTERS} are taken")
    if len(name.encode()) > TEXT_MAX_BYTES:
        raise EventFault("attribute_too_long", f"`{attribute}` has more than {TEXT_MAX_BYTES} bytes; shorten it")
    return name
