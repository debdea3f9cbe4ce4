"""A request's body, cut into the bytes of its events."""

import re
from itertools import islice

import msgspec

from services.usage_ingest.domain.bounded import elements_of, is_too_many, slots_of
from services.usage_ingest.domain.envelope import without_surrogates
from services.usage_ingest.domain.limits import EVENT_KEPT_MAX_BYTES, EVENT_MAX_BYTES, EVENTS_MAX
from shared.errors import AppError, Kind

_elements = msgspec.json.Decoder(list[msgspec.Raw]).decode
_element = msgspec.json.Decoder(msgspec.Raw).decode
_slots = msgspec.json.Decoder(slots_of(msgspec.Raw)).decode
# with its comma an element has two bytes: a shorter body holds no more than are taken
_SHORT_BYTES = 2 * EVENTS_MAX
#: What may stand before an element of an array.
_BETWEEN = re.compile(rb"[ \t\r\n,]*")
_LINE = re.compile(rb"[^ \t\r\n][^\n]*")


class BodyMalformed(AppError):
    """The body is not the JSON it says it is; nothing of it was accepted."""

    kind = Kind.MALFORMED


class NestingTooDeep(AppError):
    """The body is nested too deeply to be read; nothing of it was accepted."""

    kind = Kind.MALFORMED


class TooManyEvents(AppError):
    """More events than a request takes; split the batch."""

    kind = Kind.TOO_LARGE


class EventTooLarge(AppError):
    """An event is too large even for the quarantine; nothing of the request was accepted."""

    kind = Kind.TOO_LARGE


def single(body: bytes) -> list[bytes]:
    """The body as the one event it is."""
    _utf8(body)
    try:
        _element(without_surrogates(body))
    except (RecursionError, msgspec.DecodeError) as error:
        raise _refusal(body, error) from None
    event = body.strip(b" \t\r\n")
    if not event.startswith(b"{"):
        raise BodyMalformed(
            "the body is JSON but not an object; send one event as {…}, or several as a JSON array"
        )
    return bounded([event])


def array(body: bytes) -> list[bytes]:
    """The elements of a JSON array, byte for byte. A syntax fault anywhere raises BodyMalformed with its
    offset."""
    _utf8(body)
    readable = without_surrogates(body)
    try:
        elements = [
            bytes(element)
            for element in (
                _elements(readable) if len(body) < _SHORT_BYTES else elements_of(_slots(readable))
            )
        ]
    except msgspec.ValidationError as error:
        if is_too_many(error):
            raise too_many("events") from None
        raise BodyMalformed("the body is JSON but not an array; a batch is an array of events") from None
    except (RecursionError, msgspec.DecodeError) as error:
        raise _refusal(body, error) from None
    return bounded(elements if readable is body else _originals(body, elements))


def lines(body: bytes) -> list[bytes]:
    """The lines of NDJSON that hold something; each stands alone, whatever it holds."""
    *first, rest = body.split(b"\n", EVENTS_MAX)
    found = [stripped for line in first if (stripped := line.strip(b" \t\r"))]
    more = islice(_LINE.finditer(rest), EVENTS_MAX + 1 - len(found))
    return bounded(found + [line.group().rstrip(b" \t\r") for line in more])


def array_or_single(body: bytes) -> list[bytes]:
    """application/json: an array is a batch, anything else one event."""
    return array(body) if starts_array(body) else single(body)


def too_many(what: str) -> TooManyEvents:
    return TooManyEvents(
        f"more than {EVENTS_MAX} {what} were sent, and no more are taken in one request: split the batch"
    )


def starts_array(body: bytes) -> bool:
    return body.lstrip(b" \t\r\n").startswith(b"[")


def _utf8(body: bytes) -> None:
    if body.isascii():
        return
    try:
        body.decode()
    except UnicodeDecodeError as error:
        raise BodyMalformed(
            f"the body is not UTF-8: byte {error.start} cannot be read; encode it as UTF-8"
        ) from None


def _originals(body: bytes, elements: list[bytes]) -> list[bytes]:
    """The same elements as they were sent: `elements` were cut from a text of equal length whose surrogate
    escapes were replaced."""
    found, position = [], body.index(b"[") + 1
    for element in elements:
        position = _BETWEEN.match(body, position).end()  # type: ignore[union-attr]
        found.append(body[position : position + len(element)])
        position += len(element)
    return found


def bounded(events: list[bytes]) -> list[bytes]:
    """The same events; raise TooManyEvents or EventTooLarge for what no request may bring."""
    if len(events) > EVENTS_MAX:
        raise too_many("events")
    largest = max(map(len, events), default=0)
    if largest > EVENT_KEPT_MAX_BYTES:
        raise EventTooLarge(
            f"an event of {largest} bytes was sent; at most {EVENT_MAX_BYTES} are taken: leave out what is not metered"
        )
    return events


def _refusal(body: bytes, error: Exception) -> AppError:
    if isinstance(error, RecursionError):
        return NestingTooDeep("the JSON is nested deeper than any event may be; flatten it")
    reason = str(error)
    if "(byte " not in reason:
        reason = f"JSON ends too early (byte {len(body)})"
    return BodyMalformed(
        f"{reason}; nothing of this body was accepted: mend it and send it again, or send NDJSON, where each line stands alone"
    )
