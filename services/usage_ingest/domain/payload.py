"""An event's `data`: read, bounded, and written as canonical JSON (keys sorted, numbers normalised)."""

from collections.abc import Iterable
from typing import Any

import msgspec

from services.usage_ingest.domain.faults import EventFault
from services.usage_ingest.domain.limits import (
    DEPTH_MAX,
    NUMBER_MAX_CHARACTERS,
    PROPERTIES_MAX,
    TEXT_MAX_BYTES,
)
from services.usage_ingest.domain.numbers import INTEGER_LIMIT, Unfit, number_of
from shared.values.names import shown, unstorable

Data = dict[str, Any]
UTF8_BYTES_MAX = 4  # of one character
_decode = msgspec.json.Decoder(Any, float_hook=number_of).decode
_encode = msgspec.json.Encoder(order="deterministic").encode


def read_data(raw: bytes) -> tuple[Data, int]:
    """Return `data` as Python values (numbers as `numbers.Number`) and how many properties it has, nested
    ones included.

    Raises EventFault for what cannot be stored or compared.
    """
    data = _decode_or_fault(raw)
    if data is None:
        return {}, 0
    if type(data) is not dict:
        raise EventFault(
            "data_not_an_object",
            '`data` is not a JSON object; send the usage as named properties, such as {"value": 3}',
        )
    properties = _bounded(data, 1, len(raw) > TEXT_MAX_BYTES)
    if properties > PROPERTIES_MAX:
        what = f"`data` has {properties} properties; at most {PROPERTIES_MAX} are taken: send those you bill or group by"
        raise EventFault("too_many_properties", what)
    if b"\\u0000" in raw:
        _refuse_nul(data)
    return data, properties


def canonical(value: object) -> bytes:
    """The one way to write this value as JSON: what is stored, and what a body hash is taken of."""
    return _encode(value)


def dig(data: Data, path: tuple[str, ...]) -> Any:
    """The value at a dotted path, None where there is none."""
    value: Any = data
    for name in path:
        if type(value) is not dict:
            return None
        value = value.get(name)
    return value


def _decode_or_fault(raw: bytes) -> Any:
    try:
        return _decode(raw)
    except RecursionError:
        raise _too_deep() from None
    except msgspec.ValidationError:
        raise _out_of_range("an integer of thousands of digits") from None


def _bounded(value: Iterable[Any], depth: int, texts_too: bool) -> int:
    """Check numbers, nesting and, if asked, texts below `value`; return how many properties there are."""
    if depth > DEPTH_MAX:
        raise _too_deep()
    properties = 0
    if type(value) is dict:
        properties = len(value)
        if texts_too:
            _refuse_long_names(value)
        value = value.values()
    for child in value:
        kind = type(child)
        if kind is dict or kind is list:
            properties += _bounded(child, depth + 1, texts_too)
        elif kind is str and texts_too:
            _refuse_long(child)
        elif kind is Unfit or (kind is int and not -INTEGER_LIMIT < child < INTEGER_LIMIT):
            raise _no_number(child)
    return properties


def _refuse_long_names(names: Iterable[str]) -> None:
    for name in names:
        _refuse_long(name)


def _no_number(value: int | Unfit) -> EventFault:
    return _out_of_range(
        shown(value)
        if isinstance(value, Unfit)
        else f"an integer of more than {NUMBER_MAX_CHARACTERS} digits"
    )


def _refuse_long(text: str) -> None:
    if len(text) * UTF8_BYTES_MAX > TEXT_MAX_BYTES and len(text.encode()) > TEXT_MAX_BYTES:
        raise EventFault(
            "string_too_long",
            f"the text {shown(text)} has more than {TEXT_MAX_BYTES} bytes; shorten it or leave it out",
        )


def _refuse_nul(value: object) -> None:
    if type(value) is str:
        if unstorable(value):
            raise EventFault(
                "text_has_nul", f"{shown(value)} contains a NUL character, which no store keeps; remove it"
            )
    elif type(value) is dict:
        for name, child in value.items():
            _refuse_nul(name)
            _refuse_nul(child)
    elif type(value) is list:
        for child in value:
            _refuse_nul(child)


def _too_deep() -> EventFault:
    return EventFault("nesting_too_deep", f"`data` is nested deeper than {DEPTH_MAX} levels; flatten it")


def _out_of_range(what: str) -> EventFault:
    return EventFault(
        "number_out_of_range",
        f"{what} is out of range: a number has at most {NUMBER_MAX_CHARACTERS} digits and an exponent below 100",
    )
