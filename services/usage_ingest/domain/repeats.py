"""A name that stands twice in one JSON object: which of the two values is meant would be a guess, and a guess
is not billed."""

import json
from typing import Any

from services.usage_ingest.domain.envelope import Envelope
from services.usage_ingest.domain.faults import EventFault
from services.usage_ingest.domain.payload import Data
from shared.values.names import shown

#: A colon a text may hold without one among its bytes.
_COLON_ESCAPED = b"\\u003"
_NULL = b"null"
#: Id, source, type, subject, time: an event that comes here has them.
_REQUIRED = 5


def refuse_repeats(raw: bytes, envelope: Envelope, payload: bytes, data: Data, properties: int) -> None:
    """Raise EventFault when an object of the event holds a name twice, at any depth, extension attributes
    included.

    Each member of an object has one colon. An event has at least those of the names that were read and of the
    texts that were kept; when it has no more, nothing was read over. That costs a pass over the bytes; only
    an event with more colons (extension attributes) is parsed a second time.
    """
    if _COLON_ESCAPED not in raw:
        unexplained = raw.count(b":") - properties - _members_and_colons(envelope, payload)
        if not unexplained or unexplained == _colons_in(data):
            return
    parse_once(raw)


def parse_once(raw: bytes) -> None:
    """Raise EventFault when a name stands twice in an object of this JSON text, or when a part nobody read
    before is no JSON."""
    try:
        json.loads(raw.decode(), object_pairs_hook=_each_once, parse_int=str, parse_float=str, strict=False)
    except RecursionError:
        raise EventFault(
            "nesting_too_deep", "the event is nested too deeply to be read; flatten it"
        ) from None
    except ValueError as error:
        raise EventFault("json_malformed", f"not JSON: {error}; send one JSON object") from None


def _members_and_colons(envelope: Envelope, payload: bytes) -> int:
    """The members of the envelope that were read, and the colons in its texts; what may be there without
    being read counts as absent."""
    texts = f"{envelope.id}\0{envelope.source}\0{envelope.type}\0{envelope.subject}\0{envelope.time}"
    return (
        _REQUIRED
        + texts.count(":")
        + (envelope.specversion is not None)
        + (envelope.datacontenttype is not None)
        + (payload != _NULL)
    )


def _colons_in(value: object) -> int:
    if type(value) is str:
        return value.count(":")
    if type(value) is dict:
        return sum(name.count(":") + _colons_in(child) for name, child in value.items())
    return sum(map(_colons_in, value)) if type(value) is list else 0


def _each_once(pairs: list[tuple[str, Any]]) -> None:
    names = {name for name, _ in pairs}
    if len(names) == len(pairs):
        return
    for name, _ in pairs:
        if name not in names:
            raise EventFault(
                "name_repeated",
                f"the name {shown(name)} stands twice in one object; send it once, with the value that is meant",
            )
        names.remove(name)
