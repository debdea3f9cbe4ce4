"""Voids: each names one event by source and id, before or after it came."""

from typing import Any

import msgspec

from services.usage_ingest.domain.faults import EventFault
from services.usage_ingest.domain.framing import TooManyEvents
from services.usage_ingest.domain.limits import EVENTS_MAX
from services.usage_ingest.domain.names import named
from services.usage_ingest.domain.repeats import parse_once
from shared.errors import AppError, Kind
from shared.topics.usage_ingest import UsageMessage


class EventName(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The name of one event, as its producer gave it."""

    source: str
    id: str


class VoidList(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    voids: list[EventName]


class Correction(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A wrong event by its name, and the right one, which has an id of its own."""

    source: str
    id: str
    event: msgspec.Raw


class VoidInvalid(AppError):
    """A void names one event by `source` and `id`; nothing of this request was accepted."""


class BodyUnreadable(AppError):
    """The body is not JSON; nothing of it was accepted."""

    kind = Kind.MALFORMED


def read_voids(body: bytes) -> list[EventName]:
    """Return the names of `{source, id}`, a list of them, or `{"voids": […]}`. One wrong entry refuses the request."""
    value = _decoded(body, Any)
    shape: Any = list[EventName] if isinstance(value, list) else VoidList if isinstance(value, dict) and "voids" in value else EventName
    found = _decoded(body, shape)
    _refuse_repeats(body)
    names = found if isinstance(found, list) else found.voids if isinstance(found, VoidList) else [found]
    if len(names) > EVENTS_MAX:
        raise TooManyEvents(f"{len(names)} voids were sent; at most {EVENTS_MAX} are taken in one request: split them")
    return [_checked(name, index) for index, name in enumerate(names)]


def read_correction(body: bytes) -> Correction:
    """Return `{source, id, event}`."""
    found: Correction = _decoded(body, Correction)
    _refuse_repeats(body)
    name = _checked(EventName(found.source, found.id), 0)
    return Correction(name.source, name.id, found.event)


def void_message(name: EventName, received_us: int, trace: str) -> UsageMessage:
    """A void as it goes on the bus. It has no time of its own: its period is its event's."""
    return UsageMessage(source=name.source, id=name.id, received_us=received_us, kind="void", trace=trace)


def _checked(name: EventName, index: int) -> EventName:
    try:
        return EventName(named("source", name.source), named("id", name.id))
    except EventFault as fault:
        raise VoidInvalid(f"entry {index}: {fault.detail}", errors=[{"pointer": f"/{index}", "code": fault.code, "detail": fault.detail}]) from None


def _refuse_repeats(body: bytes) -> None:
    try:
        parse_once(body)
    except EventFault as fault:
        raise VoidInvalid(fault.detail, errors=[{"pointer": "", "code": fault.code, "detail": fault.detail}]) from None


def _decoded(body: bytes, shape: Any) -> Any:
    try:
        return msgspec.json.decode(body, type=shape)
    except msgspec.ValidationError as error:
        raise VoidInvalid(f"{error}; send {{\"source\": …, \"id\": …}}") from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BodyUnreadable(f"{error}; send JSON in UTF-8") from None
