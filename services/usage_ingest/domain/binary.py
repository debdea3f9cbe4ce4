"""A CloudEvent in binary mode: attributes in headers (`ce-…` over HTTP, `ce_…` in Kafka), data in the body
under its own content type.

It is written as the same event in CloudEvents' JSON format and then judged like any other, so there is one
reader and one law, and what is quarantined is kept whole: every attribute, and data that is no JSON in
base64. Text that is not Unicode becomes half a surrogate pair, what stands twice stands twice, so each fault
of the headers is found where the fault of a JSON event is.
"""

import base64
import json
from collections.abc import Iterable, Sequence
from urllib.parse import unquote

import msgspec

from services.usage_ingest.domain.envelope import without_surrogates
from services.usage_ingest.domain.media_types import CHARSETS, charset_of, is_cloudevents, is_json

HTTP_PREFIX, KAFKA_PREFIX = b"ce-", "ce_"
#: Who sends one of these as a header means binary mode. Extensions alone do not say so: a proxy may add
#: anything.
SIGNS = frozenset({"id", "source", "type", "subject", "time", "specversion", "datacontenttype", "dataschema"})
_element = msgspec.json.Decoder(msgspec.Raw).decode


def http_attributes(headers: Iterable[tuple[bytes, bytes]]) -> list[tuple[str, str]]:
    """The attributes of a binary event among a request's headers, names in lower case; [] when it is none."""
    found = [
        (name[len(HTTP_PREFIX) :].decode("latin-1"), value)
        for name, value in headers
        if name.startswith(HTTP_PREFIX)
    ]
    return (
        [(name, _unquoted(value)) for name, value in found] if any(name in SIGNS for name, _ in found) else []
    )


def event_of_record(value: bytes, headers: Sequence[tuple[str, bytes]]) -> bytes:
    """The event of a Kafka record, in JSON: its value, or what its headers and its value say together. No
    value: no data."""
    found = [
        (name[len(KAFKA_PREFIX) :], _unicode(text)) for name, text in headers if name.startswith(KAFKA_PREFIX)
    ]
    if not any(name in SIGNS for name, _ in found):
        return value
    return event_of(
        found, [_unicode(text) for name, text in headers if name.lower() == "content-type"], value
    )


def event_of(attributes: Iterable[tuple[str, str]], content_types: Sequence[str], data: bytes) -> bytes:
    """The JSON of one event. A content type that names a form of CloudEvents is kept with the body as bytes,
    and refused when it is judged."""
    members = [_member(name, text) for name, text in attributes]
    members += [_member("datacontenttype", text) for text in content_types]
    if data:
        as_json = all(
            is_json(text) and charset_of(text) in CHARSETS and not is_cloudevents(text)
            for text in content_types
        )
        members.append(
            b'"data":' + data
            if as_json and _is_one_value(data)
            else b'"data_base64":"' + base64.b64encode(data) + b'"'
        )
    return b"{" + b",".join(members) + b"}"


def _unquoted(value: bytes) -> str:
    """A header's text by the HTTP binding: quotes off, then percent-decoded as UTF-8. Other bytes than ASCII
    would be a guess."""
    text = value.decode("ascii", "surrogateescape").strip()
    if len(text) > 1 and text[0] == text[-1] == '"':
        text = _without_backslashes(text[1:-1])
    return unquote(text, errors="surrogateescape")


def _without_backslashes(text: str) -> str:
    parts = text.split("\\\\")
    return "\\".join(part.replace("\\", "") for part in parts)


def _unicode(text: bytes) -> str:
    return text.decode("utf-8", "surrogateescape")


def _member(name: str, text: str) -> bytes:
    """One member; half a surrogate pair as its escape, everything else as it is."""
    return f"{json.dumps(name, ensure_ascii=False)}:{json.dumps(text, ensure_ascii=False)}".encode(
        "utf-8", "backslashreplace"
    )


def _is_one_value(data: bytes) -> bool:
    """Whether the bytes are one JSON text in UTF-8. Half surrogate pairs are found later, with the event's
    name."""
    try:
        data.decode()
        _element(without_surrogates(data))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return False
    return True
