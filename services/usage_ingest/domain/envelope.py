"""A CloudEvents 1.0 envelope in JSON: its attributes as the door reads them, and what is wrong where it
cannot."""

import re
from typing import Any

import msgspec

from services.usage_ingest.domain.faults import EventFault
from services.usage_ingest.domain.instants import storable_instant
from services.usage_ingest.domain.media_types import is_cloudevents, is_json
from services.usage_ingest.domain.names import ATTRIBUTES
from shared.values.names import kept, shown

SPECVERSION = "1.0"
_SURROGATE_ESCAPE = re.compile(rb"\\u[dD][89a-fA-F][0-9a-fA-F]{2}")
#: Escapes in their order: any other one, a whole pair, or (group 1) half of one.
_ESCAPES = re.compile(
    rb"\\[^u]|\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|(\\u[dD][89a-fA-F][0-9a-fA-F]{2})"
)
#: As long as the escape it replaces, so offsets stay true.
_REPLACEMENT = b"\\uFFFD"


class Envelope(msgspec.Struct, gc=False):
    """The attributes the product reads. Others (extensions) are allowed and not kept."""

    id: str | None = None
    source: str | None = None
    type: str | None = None
    subject: str | None = None
    time: str | None = None
    specversion: str | None = None
    datacontenttype: str | None = None
    data: msgspec.Raw = msgspec.Raw(b"null")
    data_base64: Any = None


class Traits(msgspec.Struct, frozen=True):
    """What can be said of an event that is refused: "" and None where it cannot be read."""

    source: str = ""
    id: str = ""
    type: str = ""
    subject: str = ""
    time_us: int | None = None


_decode = msgspec.json.Decoder(Envelope).decode


def read_envelope(raw: bytes) -> Envelope:
    """Return the envelope of one JSON text; raise EventFault that names the first thing wrong with it."""
    try:
        if not raw.isascii():
            # Msgspec does not look at the texts it only passes over.
            raw.decode()
        return _decode(raw)
    except RecursionError:
        raise EventFault(
            "nesting_too_deep", "the event is nested too deeply to be read; flatten it"
        ) from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise diagnosis(raw, error) from None


def diagnosis(raw: bytes, error: Exception) -> EventFault:
    """The fault behind a refused decode."""
    if isinstance(error, UnicodeDecodeError):
        return EventFault("text_not_unicode", "the event is not UTF-8; encode it as UTF-8")
    if isinstance(error, msgspec.ValidationError):
        return _mistyped(raw)
    if has_surrogate_escape(raw) and _readable(without_surrogates(raw)):
        what = "a text holds half a surrogate pair (\\ud800 to \\udfff alone), or a header was not UTF-8 (over HTTP: percent-encoded UTF-8)"
        return EventFault("text_not_unicode", f"{what}; send the whole character or U+FFFD")
    return EventFault("json_malformed", f"not JSON: {error}; send one JSON object")


def read_traits(raw: bytes) -> Traits:
    """What an event that is refused says of itself, as far as it can be read. Never raises."""
    try:
        found = msgspec.json.decode(without_surrogates(raw), type=dict[str, msgspec.Raw])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return Traits()
    texts = {name: _text(found.get(name)) for name in (*ATTRIBUTES, "time")}
    time_us = storable_instant(texts.pop("time"))
    return Traits(**{name: text for name, text in texts.items() if text}, time_us=time_us)


def has_surrogate_escape(raw: bytes) -> bool:
    """Whether half a surrogate pair is escaped in it."""
    return (
        b"\\u" in raw
        and _SURROGATE_ESCAPE.search(raw) is not None
        and any(found[1] for found in _ESCAPES.finditer(raw))
    )


def without_surrogates(raw: bytes) -> bytes:
    """The same JSON, byte for byte as long, with every escape of half a surrogate pair replaced: readable
    where only those are wrong."""
    if not has_surrogate_escape(raw):
        return raw
    # replaced in place: a list of the pieces between would be as long as there are escapes
    readable = bytearray(raw)
    for escape in _ESCAPES.finditer(raw):
        if escape[1]:
            readable[escape.start() : escape.end()] = _REPLACEMENT
    return bytes(readable)


def check_format(envelope: Envelope) -> None:
    """Raise EventFault for a version or a content this door cannot read. An absent `specversion` is taken as
    1.0."""
    if envelope.specversion is not None and envelope.specversion != SPECVERSION:
        raise EventFault(
            "specversion_unsupported",
            f"`specversion` is {shown(envelope.specversion)}; this door reads CloudEvents 1.0",
        )
    if envelope.data_base64 is not None and is_cloudevents(envelope.datacontenttype):
        what = "attributes stand in headers, and by its content type the event is in the body; send it in one of the two modes of CloudEvents"
        raise EventFault("content_mode_ambiguous", what)
    if not is_json(envelope.datacontenttype):
        raise EventFault(
            "data_not_json",
            f"`datacontenttype` is {shown(envelope.datacontenttype or '')}; send `data` as JSON",
        )
    if envelope.data_base64 is not None:
        raise EventFault(
            "data_not_json", "`data_base64` holds bytes nobody can meter; send `data` as a JSON object"
        )


def _mistyped(raw: bytes) -> EventFault:
    """Which attribute is not a text. `raw` is well-formed JSON."""
    try:
        found: Any = msgspec.json.decode(raw, type=dict[str, msgspec.Raw])
    except msgspec.ValidationError:
        what = shown(raw.decode(errors="replace"))
        return EventFault(
            "not_an_object",
            f"{what} is not an event; send a JSON object with the attributes of CloudEvents 1.0",
        )
    for name in (*ATTRIBUTES, "time", "specversion", "datacontenttype"):
        value = bytes(found.get(name, b"null"))
        if not value.startswith(b'"') and value != b"null":
            return EventFault("attribute_not_text", f"`{name}` is not a text; put its value in double quotes")
    return EventFault(
        "event_unreadable", "the event does not have the shape of CloudEvents 1.0; see its JSON format"
    )


def _readable(raw: bytes) -> bool:
    try:
        _decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        return isinstance(error, msgspec.ValidationError)
    return True


def _text(raw: msgspec.Raw | None) -> str:
    """As much of the text of a JSON string as is kept; "" for anything else."""
    if raw is None or not bytes(raw).startswith(b'"'):
        return ""
    try:
        text = msgspec.json.decode(raw, type=str)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return ""
    return kept(text)
