"""Scalars of an event's `data`, read from their JSON text: never through a float.

Long texts stand as their hash, so that no key outgrows an index page.
"""

import hashlib
from decimal import Decimal
from functools import lru_cache

import msgspec

from shared.decimals import parse_quantity, plain, quantity_from_json_number
from shared.errors import AppError

ABSENT = b"null"
TEXT_MAX_BYTES = 128
_CACHED_MAX = 20_000
_text = msgspec.json.Decoder(str).decode
_fields = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
Fields = dict[str, msgspec.Raw]


def fields_of(data: bytes | msgspec.Raw) -> Fields:
    """Return name → JSON text; {} for data that is no object."""
    try:
        return _fields(data)
    except msgspec.DecodeError:
        return {}


def at(fields: Fields, path: tuple[str, ...]) -> bytes:
    """Return the JSON text at a path; `null` where there is none."""
    raw = fields.get(path[0])
    for name in path[1:]:
        if raw is None:
            return ABSENT
        raw = fields_of(raw).get(name)
    return ABSENT if raw is None else bytes(raw)


@lru_cache(_CACHED_MAX)
def quantity_of(raw: bytes) -> Decimal | None:
    """Return the number (or the number in a string), None where it cannot be read: absent, empty, not a number, out of bounds."""
    try:
        if raw[:1] == b'"':
            return parse_quantity(_text(raw))
        return quantity_from_json_number(raw.decode())
    except AppError:
        return None


def item_of(raw: bytes) -> str | None:
    """Return what a unique meter counts: a text, number or boolean as text; None where absent, empty or not a scalar."""
    return _scalar(raw) or None


@lru_cache(_CACHED_MAX)
def label_of(raw: bytes) -> str:
    """Return a dimension's value as text; "" where absent or not a scalar."""
    return _scalar(raw)


def _scalar(raw: bytes) -> str:
    first = raw[:1]
    if first == b'"':
        return _bounded(_text(raw))
    if first in (b"{", b"["):
        return ""
    text = raw.decode()
    if text in ("null", "true", "false"):
        return "" if text == "null" else text
    number = quantity_of(raw)
    return plain(number) if number is not None else _bounded(text)


def _bounded(text: str) -> str:
    encoded = text.encode()
    return text if len(encoded) <= TEXT_MAX_BYTES else "sha256:" + hashlib.sha256(encoded).hexdigest()
